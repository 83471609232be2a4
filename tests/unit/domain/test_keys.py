"""Keys and owners: what they are called in logs, metrics and references."""

from inferfleet.api.v1alpha1 import API_VERSION
from inferfleet.domain.keys import Key, Kind
from inferfleet.domain.owner import Owner

CHAT = Key(Kind.INFERENCE_DEPLOYMENT, "team-a", "chat")


def test_a_key_reads_as_kind_namespace_and_name() -> None:
    assert f"{CHAT}" == "InferenceDeployment team-a/chat"


def test_a_controller_is_called_as_controller_runtime_would_call_it() -> None:
    assert CHAT.kind.controller == "inferencedeployment"


def test_an_owner_is_a_key_with_a_uid() -> None:
    owner = Owner.of(CHAT, "u")
    assert (owner.kind, owner.namespace, owner.name, owner.uid, owner.api_version) == (*CHAT, "u", API_VERSION)
