"""Looking models up on a hub: a local server speaks its protocol, with every answer a real one gives."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from inferfleet.domain.model import Model, UnknownModel
from inferfleet.observe.hub import LARGEST_CONFIG_BYTES, HubAccess, Unreachable, look_up, weight_bytes

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}
SHARDS = {"model-00001-of-00002.safetensors": 9_000_000_000, "model-00002-of-00002.safetensors": 7_060_522_496}


@dataclass
class FakeHub:
    """One repository with its files, or an error for every request."""

    config: bytes = json.dumps(LLAMA).encode()
    sizes: dict[str, int] = field(default_factory=lambda: dict(SHARDS))
    status: int = 200
    error_code: str = ""
    requests: list[tuple[str, str]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    endpoint: str = ""

    def info(self) -> dict[str, Any]:
        files = {"config.json": len(self.config)} | self.sizes
        return {
            "id": "acme/llm",
            "sha": "0" * 40,
            "siblings": [{"rfilename": name, "size": size} for name, size in files.items()],
            "safetensors": {"parameters": {"BF16": 8_030_261_248}, "total": 8_030_261_248},
        }


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self, *, body: bool) -> None:
            hub.requests.append((self.command, self.path))
            hub.tokens.append(self.headers.get("Authorization"))
            content = json.dumps(hub.info()).encode() if self.path.startswith("/api/") else hub.config
            self.send_response(hub.status)
            if hub.error_code:
                self.send_header("X-Error-Code", hub.error_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", "0" * 40)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def log_message(self, *_: object) -> None:
            """Keep test output readable."""

    return Handler


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    fake = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.endpoint = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield fake
    server.shutdown()
    server.server_close()


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
