"""A hub of model repositories on this machine: the protocol of Hugging Face's, with every answer a real one gives.

In: one repository, or an error for every request. Out: a server, and what it was asked. Must not import the product.
"""

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

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


@contextlib.contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Serve a hub while the block runs."""
    fake = FakeHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.endpoint = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield fake
    server.shutdown()
    server.server_close()
