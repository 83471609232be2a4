"""A bare aiohttp client that sends prepared requests as fast as the server answers: the baseline, and the burst itself.

In: a kubeconfig and prepared requests. Out: nothing; the audit log tells the rest. It decides nothing and reads
nothing, so no operator can be faster with the same requests.
"""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.controlplane.objects import credentials

CONNECTIONS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One prepared request."""

    method: str
    path: str
    body: bytes
    content_type: str = "application/json"


def prepare(method: str, path: str, body: Any, content_type: str = "application/json") -> Request:  # noqa: ANN401
    """Encode a request once, outside the measured time."""
    return Request(method=method, path=path, body=orjson.dumps(body), content_type=content_type)


async def send(
    kubeconfig: Path, groups: Iterable[Sequence[Request]], *, agent: str, concurrency: int = CONNECTIONS
) -> list[str]:
    """Send groups side by side, the requests of a group one after the other; returns what was refused."""
    settings = credentials(kubeconfig)
    token = settings.get_api_key_with_prefix("BearerToken", alias="authorization")
    headers = {"user-agent": agent} | ({"authorization": token} if token else {})
    waiting = list(groups)
    waiting.reverse()
    refused: list[str] = []
    connector = aiohttp.TCPConnector(limit=concurrency, ssl=ssl.create_default_context(cafile=settings.ssl_ca_cert))
    async with aiohttp.ClientSession(settings.host, connector=connector, headers=headers) as session:

        async def work() -> None:
            while waiting:
                for request in waiting.pop():
                    refused.extend(await _send_one(session, request))

        await asyncio.gather(*(work() for _ in range(concurrency)))
    return refused


async def _send_one(session: aiohttp.ClientSession, request: Request) -> list[str]:
    async with session.request(
        request.method, request.path, data=request.body, headers={"content-type": request.content_type}
    ) as answer:
        content = await answer.read()
    return [] if answer.status < 400 else [f"{request.method} {request.path}: {answer.status} {content[:200]!r}"]
