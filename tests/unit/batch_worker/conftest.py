"""A stub engine over real HTTP, and a batch to run against it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from inferfleet.batch_worker.arguments import Arguments
from inferfleet.batch_worker.main import Worker

MODEL = "acme/llm-1b"


@dataclass(slots=True)
class StubEngine:
    """Answers every request with its prompt. `script` maps a prompt to statuses that come first, one per attempt."""

    url: str = ""
    healthy: bool = True
    script: dict[str, list[int]] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    before_answer: Callable[[dict[str, Any]], Awaitable[None]] | None = None

    async def health(self, _request: web.Request) -> web.Response:
        return web.Response(status=200 if self.healthy else 503)

    async def chat(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.seen.append(body)
        self.keys.append(request.headers.get("Authorization"))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.before_answer is not None:
                await self.before_answer(body)
            statuses = self.script.get(body["messages"], [])
            status = statuses.pop(0) if statuses else 200
            if status == 0:
                assert request.transport is not None
                request.transport.close()
            return web.json_response({"echo": body["messages"]}, status=status or 500)
        finally:
            self.in_flight -= 1

    def prompts(self) -> list[str]:
        return [body["messages"] for body in self.seen]


@pytest.fixture
async def engine() -> AsyncIterator[StubEngine]:
    stub = StubEngine()
    application = web.Application()
    application.router.add_get("/health", stub.health)
    application.router.add_post("/v1/chat/completions", stub.chat)
    async with TestServer(application) as server:
        stub.url = str(server.make_url("")).rstrip("/")
        yield stub


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def line(prompt: str, **change: Any) -> bytes:
    """One line of a batch file whose custom_id is `id-PROMPT`."""
    request = {
        "custom_id": f"id-{prompt}",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"messages": prompt},
    }
    return orjson.dumps({**request, **change}) + b"\n"


async def no_pause(_seconds: float) -> None:
    """Wait for nothing: retries in tests follow each other at once."""


@dataclass(slots=True)
class Batch:
    """A batch in a folder of its own."""

    folder: Path
    engine: StubEngine
    concurrency: int = 4

    @property
    def input(self) -> Path:
        return self.folder / "in.jsonl"

    @property
    def output(self) -> Path:
        return self.folder / "out" / "result.jsonl"

    @property
    def errors(self) -> Path:
        return self.folder / "out" / "result.errors.jsonl"

    @property
    def part(self) -> Path:
        return self.folder / "out" / "result.jsonl.part"

    @property
    def termination_message(self) -> dict[str, Any]:
        message: dict[str, Any] = orjson.loads((self.folder / "termination-log").read_bytes())
        return message

    def worker(self, **change: Any) -> Worker:
        (self.folder / "termination-log").touch()
        settings: dict[str, Any] = {
            "engine_url": self.engine.url,
            "model": MODEL,
            "input": str(self.input),
            "output": str(self.output),
            "work_directory": self.folder,
            "concurrency": self.concurrency,
            "termination_log": self.folder / "termination-log",
        }
        return Worker(arguments=Arguments(**(settings | change)), pause=no_pause)

    def answered(self) -> list[str]:
        return [record["custom_id"] for record in self.records(self.output)]

    @staticmethod
    def records(path: Path) -> list[dict[str, Any]]:
        return [orjson.loads(raw) for raw in path.read_bytes().splitlines()]


@pytest.fixture
def batch(tmp_path: Path, engine: StubEngine) -> Batch:
    return Batch(folder=tmp_path, engine=engine)
