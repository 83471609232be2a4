"""Keeps a table equal to a collection of the API server: list, watch, and list again when the watch cannot go on.

In: a source that lists and watches. Out: changes of the table, a `synced` flag on it, and how long the watch has been
silent. Deletions missed while disconnected are found by comparing with the next list, which Kopf does not do. Must not
interpret objects.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

from inferfleet.domain.keys import Key, NamespacedName
from inferfleet.domain.resources import Document, Resource
from inferfleet.observe.table import AnyTable

_log = logging.getLogger(__name__)

# How long one watch lives, in seconds; different for each, so that thousands of operators would not reconnect together.
_SHORTEST_WATCH, _LONGEST_WATCH = 300, 600
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_GONE = 410


class Source(Protocol):
    """The part of an API client that is needed. Failures are OSErrors; `code` 410 means that the version is too old."""

    def list_pages(self, resource: Resource, namespace: str | None, *, selector: str) -> AsyncIterator[Document]:
        """Read a collection page by page."""

    def watch(
        self, resource: Resource, namespace: str | None, *, version: str, selector: str, seconds: int
    ) -> AsyncIterator[Document]:
        """Yield watch events after a version."""


class Reflector:
    """Feeds one table from one collection."""

    def __init__(
        self,
        source: Source,
        resource: Resource,
        table: AnyTable,
        *,
        namespace: str | None = None,
        selector: str = "",
        on_restart: Callable[[str], None] | None = None,
    ) -> None:
        """`on_restart` is told the plural of the resource each time a list had to be repeated."""
        self._source = source
        self._resource = resource
        self._table = table
        self._namespace = namespace
        self._selector = selector
        self._on_restart = on_restart
        self.synced = asyncio.Event()
        self.last_activity = time.monotonic()

    @property
    def name(self) -> str:
        """The name of the collection, for logs and health checks."""
        return f"{self._resource.plural} in {self._namespace}" if self._namespace else self._resource.plural

    def silent_seconds(self) -> float:
        """Seconds since the API server last sent anything; bookmarks come about every minute."""
        return time.monotonic() - self.last_activity

    async def run(self) -> None:
        """List and watch for ever; an API server that is away is waited for."""
        pause = _FIRST_PAUSE
        while True:
            try:
                version = await self._list()
                pause = _FIRST_PAUSE
                await self._follow(version)
            except OSError as error:
                if getattr(error, "code", 0) != _GONE:
                    _log.warning("%s: %s; listing again in about %.1f s", self.name, error, pause)
                    await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects
                    pause = min(pause * 2, _LONGEST_PAUSE)
            if self._on_restart is not None:
                self._on_restart(self._resource.plural)

    async def _list(self) -> str:
        """Make the table equal to the collection; return the version to watch from."""
        listed: set[Key | NamespacedName] = set()
        version = ""
        async for page in self._source.list_pages(self._resource, self._namespace, selector=self._selector):
            self.last_activity = time.monotonic()
            version = page["metadata"]["resourceVersion"]
            listed.update(self._table.put(named(self._resource, item)) for item in page["items"])
        self._table.end_list(listed, version=version, namespace=self._namespace)
        self.synced.set()
        return version

    async def _follow(self, version: str) -> None:
        """Watch, again and again, until it fails for good; a broken connection alone needs no new list."""
        failures = 0
        while True:
            seconds = random.randint(_SHORTEST_WATCH, _LONGEST_WATCH)  # noqa: S311 - spreads reconnects
            events = self._source.watch(
                self._resource, self._namespace, version=version, selector=self._selector, seconds=seconds
            )
            try:
                async for event in events:
                    self.last_activity = time.monotonic()
                    failures = 0
                    version = event["object"]["metadata"]["resourceVersion"]
                    self._take(event)
                await asyncio.sleep(_FIRST_PAUSE)  # a server that ends watches at once must not be hammered
            except OSError as error:
                failures += 1
                if getattr(error, "code", 0) == _GONE or failures > 3:
                    raise
                await asyncio.sleep(_FIRST_PAUSE * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects

    def _take(self, event: Mapping[str, Any]) -> None:
        match event["type"]:
            case "ADDED" | "MODIFIED":
                self._table.put(event["object"])
            case "DELETED":
                self._table.delete(event["object"])


def named(resource: Resource, item: Document) -> Document:
    """Return an item of a list with the kind and version that items come without."""
    return {"apiVersion": resource.api_version, "kind": resource.kind, **item}
