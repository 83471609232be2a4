"""Looking models up on a hub: a local server speaks its protocol, with every answer a real one gives."""

import json
from collections.abc import Iterator

import pytest

from inferfleet.domain.model import Model, UnknownModel
from inferfleet.observe.hub import LARGEST_CONFIG_BYTES, HubAccess, Unreachable, look_up, weight_bytes
from tests.fake_hub import LLAMA, SHARDS, FakeHub, fake_hub


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as running:
        yield running


def ask(hub: FakeHub, token: str | None = None) -> Model | UnknownModel | Unreachable:
    return look_up(HubAccess(endpoint=hub.endpoint, token=token), "acme/llm", "main")


def test_config_and_sizes_become_a_model(hub: FakeHub) -> None:
    model = ask(hub)
    assert isinstance(model, Model)
    assert (model.num_hidden_layers, model.weight_bytes, model.parameters) == (32, 16_060_522_496, 8_030_261_248)


def test_weights_are_never_downloaded(hub: FakeHub) -> None:
    ask(hub)
    assert [path for _, path in hub.requests if "safetensors" in path] == []


def test_the_operators_token_is_sent(hub: FakeHub) -> None:
    ask(hub, token="hf_operator")
    assert set(hub.tokens) == {"Bearer hf_operator"}


def test_without_a_token_no_token_of_the_machine_is_sent(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_machine")
    ask(hub)
    assert set(hub.tokens) == {None}


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "GatedRepo", "ModelProfile"),
        (401, "GatedRepo", "ModelProfile"),
        (404, "RepoNotFound", "check the spelling"),
        (401, "RepoNotFound", "check the spelling"),
        (404, "RevisionNotFound", "spec.model.revision"),
        (404, "EntryNotFound", "no config.json"),
    ],
)
def test_a_refusal_says_what_to_do(hub: FakeHub, status: int, code: str, words: str) -> None:
    hub.status, hub.error_code = status, code
    answer = ask(hub)
    assert isinstance(answer, UnknownModel)
    assert words in answer.message


def test_a_server_error_is_worth_another_try(hub: FakeHub) -> None:
    hub.status = 500
    assert isinstance(ask(hub), Unreachable)


def test_nobody_listening_is_worth_another_try() -> None:
    assert isinstance(look_up(HubAccess(endpoint="http://127.0.0.1:1"), "acme/llm", "main"), Unreachable)


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b"\xff\xfe"])
def test_a_config_that_is_no_json_object_is_refused(hub: FakeHub, content: bytes) -> None:
    hub.config = content
    answer = ask(hub)
    assert isinstance(answer, UnknownModel)
    assert "not a JSON object" in answer.message


def test_a_config_without_layers_names_what_is_missing(hub: FakeHub) -> None:
    hub.config = json.dumps({key: value for key, value in LLAMA.items() if key != "num_hidden_layers"}).encode()
    answer = ask(hub)
    assert isinstance(answer, UnknownModel)
    assert "num_hidden_layers" in answer.message


def test_a_huge_config_is_not_read(hub: FakeHub) -> None:
    hub.config = b" " * (LARGEST_CONFIG_BYTES + 1)
    answer = ask(hub)
    assert isinstance(answer, UnknownModel)
    assert [path for _, path in hub.requests if "resolve" in path] == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (SHARDS | {"original/consolidated.00.pth": 16, "original/model.safetensors": 5}, 16_060_522_496),
        ({"model.safetensors": 10, "consolidated.safetensors": 10}, 10),
        ({"model.safetensors": 10, "pytorch_model.bin": 10}, 10),
        ({"pytorch_model-00001-of-00002.bin": 4, "pytorch_model-00002-of-00002.bin": 3}, 7),
        ({"consolidated.safetensors": 9, "README.md": 1}, 9),
        ({"README.md": 1}, None),
    ],
)
def test_two_copies_of_the_weights_count_once(files: dict[str, int], expected: int | None) -> None:
    assert weight_bytes(files.items()) == expected
