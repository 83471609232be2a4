"""Fetches an engine's metrics from its pod, or from Prometheus where one is configured.

In: where an engine is. Out: a `Reading`, or `ReadingFailed` with the reason. Answers are limited in time and size, and
redirects are not followed: what answers at a pod's address is a tenant's process. Must not judge figures.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol

import aiohttp

from inferfleet.domain.calibration import Unusable
from inferfleet.domain.wording import duration_text
from inferfleet.observe.engine_metrics import (
    LONGEST_TEXT,
    NAMES,
    Reading,
    Samples,
    read_metrics,
)

_SECONDS = 5.0
_CONNECTIONS = 16
# Prometheus scrapes every 15 to 60 s as a rule; older samples than this say nothing of now.
STALE_SECONDS = 180.0


class ReadingFailed(Exception):  # noqa: N818 - a finding, not a failure of the program
    """Nothing was read; the message says why."""

    def __init__(self, message: str, *, reason: Unusable = Unusable.UNREACHABLE) -> None:
        """Take the message, and the reason where it is not that nobody answered."""
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class EnginePlace:
    """One engine: its pod and where its HTTP server listens."""

    namespace: str
    pod: str
    address: str
    port: int


class EngineReader(Protocol):
    """Reads an engine's metrics."""

    async def read(self, place: EnginePlace) -> Reading:
        """Return one reading. Raises `ReadingFailed`."""

    async def close(self) -> None:
        """Close all connections."""


class PodReader:
    """Asks the pods themselves."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        """`now` is the time in seconds; must be called inside the event loop."""
        self._now = now
        self._session = _session()

    async def read(self, place: EnginePlace) -> Reading:
        """Return one reading of `http://ADDRESS:PORT/metrics`. Raises `ReadingFailed`."""
        host = f"[{place.address}]" if ":" in place.address else place.address
        text = await _fetch(self._session, f"http://{host}:{place.port}/metrics")
        return read_metrics(text, at_seconds=self._now())

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


class PrometheusReader:
    """Asks Prometheus (or what speaks its HTTP API) for the samples of a pod, with the times they were scraped at."""

    def __init__(self, url: str, *, now: Callable[[], float]) -> None:
        """`url` is the server's, as an administrator set it; must be called inside the event loop."""
        self._url = url.rstrip("/")
        self._now = now
        self._session = _session()

    async def read(self, place: EnginePlace) -> Reading:
        """Return the newest samples of the last minutes. Raises `ReadingFailed`.

        A range selector gives raw samples with their own times; an instant one would give the time of the question
        (Prometheus documentation, "HTTP API", instant queries).
        """
        matchers = f'__name__=~"{"|".join(NAMES)}",namespace="{place.namespace}",pod="{place.pod}"'
        query = f"{{{matchers}}}[{STALE_SECONDS:.0f}s]"
        text = await _fetch(self._session, f"{self._url}/api/v1/query", {"query": query})
        try:
            answer = json.loads(text)
            return _reading(answer["data"]["result"], now=self._now())
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ReadingFailed(f"Prometheus answered what cannot be read: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


def _reading(series: list[dict[str, Any]], *, now: float) -> Reading:
    samples, newest = Samples(), 0.0
    for one in series:
        at, value = float(one["values"][-1][0]), float(one["values"][-1][1])
        labels = {str(name): str(text) for name, text in one["metric"].items()}
        samples.add(labels.pop("__name__"), labels, value)
        newest = max(newest, at)
    if not newest:
        raise ReadingFailed("Prometheus has no samples of this pod")
    if not isfinite(newest) or now - newest > STALE_SECONDS:
        raise ReadingFailed(f"the newest sample is {duration_text((now - newest) / 3600)} old", reason=Unusable.STALE)
    return samples.reading(at_seconds=newest)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
        timeout=aiohttp.ClientTimeout(total=_SECONDS),
        headers={"user-agent": "inferfleet"},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def _fetch(session: aiohttp.ClientSession, url: str, query: dict[str, str] | None = None) -> str:
    """Return at most `LONGEST_TEXT` bytes of text. Raises `ReadingFailed`."""
    content = bytearray()
    try:
        async with session.get(url, params=query, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ReadingFailed(f"{url} answered with status {answer.status}")
            async for chunk in answer.content.iter_any():
                content += chunk
                if len(content) > LONGEST_TEXT:
                    raise ReadingFailed(f"{url} answered with more than {LONGEST_TEXT} bytes")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise ReadingFailed(f"{url} did not answer: {error or type(error).__name__}") from error
    return content.decode(errors="replace")
