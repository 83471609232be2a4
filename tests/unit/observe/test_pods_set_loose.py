"""A pod is paid for by the deployment whose label it carried first, until it is gone."""

from typing import Any

import pytest

from inferfleet.domain.keys import Key, Kind
from inferfleet.observe.holdings import bound_gpus
from inferfleet.observe.store import Store

CHAT = Key(Kind.INFERENCE_DEPLOYMENT, "team", "chat")
OURS = {"inferfleet.dev/deployment": "chat", "inferfleet.dev/placement": "chat"}


def document(version: int, labels: dict[str, str], *, uid: str = "1") -> dict[str, Any]:
    metadata = {"name": "chat-1", "namespace": "team", "uid": uid, "resourceVersion": str(version), "labels": labels}
    engine = {"name": "engine", "image": "vllm", "resources": {"limits": {"nvidia.com/gpu": "4"}}}
    return {"metadata": metadata, "spec": {"nodeName": "n1", "containers": [engine]}, "status": {"phase": "Running"}}


def store(*documents: dict[str, Any]) -> Store:
    filled = Store()
    for item in documents:
        filled.pods.put(item)
    return filled


@pytest.mark.parametrize("labels", [{}, {**OURS, "inferfleet.dev/deployment": "other"}], ids=["none", "another"])
def test_a_pod_that_lost_its_label_is_charged_as_before(labels: dict[str, str]) -> None:
    seen = store(document(1, OURS), document(2, labels), document(3, labels))
    assert [item.gpus for item in bound_gpus(seen.pods_of(CHAT))] == [4]


def test_it_is_no_replica_of_a_placement_any_more() -> None:
    (pod,) = store(document(1, OURS), document(2, {"inferfleet.dev/placement": "chat"})).pods_of(CHAT)
    assert (pod.placement, pod.engine) == ("", None)


def test_it_is_charged_until_it_is_gone() -> None:
    seen = store(document(1, OURS), document(2, {}))
    seen.pods.delete(document(3, {}))
    assert seen.pods_of(CHAT) == ()


def test_a_namesake_without_the_label_is_nobodys() -> None:
    assert store(document(1, OURS), document(2, {}, uid="2")).pods_of(CHAT) == ()
