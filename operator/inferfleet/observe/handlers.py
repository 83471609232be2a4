"""Kopf's part: it watches our own kinds, and its handlers do nothing but put what they get into tables.

In: a registry and the tables. Out: `on.event` handlers, the only Kopf handlers that write nothing to the cluster (no
finalizer, no annotation). Nothing in them can fail, because Kopf does not retry them. Must not do any work.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import kopf

from inferfleet.api.v1alpha1 import GROUP, VERSION
from inferfleet.domain.resources import Resource
from inferfleet.observe.table import AnyTable

# Bookmarks come about every minute; Kopf reconnects when nothing came for 70 s.
_SERVER_SECONDS = 420  # a whole number: Kopf hands it to the API server as it is
_CONNECT_SECONDS = 10.0
_REQUEST_SECONDS = 30.0
# A worker of Kopf keeps the last event of its object while it waits for another: with the five seconds that it waits
# unless told otherwise, a burst of a thousand objects is held in memory as a whole.
_IDLE_SECONDS = 0.1
# Objects per page of a list, which is held as a whole while it is read.
_PAGE = 100
# An API server that is away is waited for: about a quarter of an hour, then the pod restarts.
_ERROR_PAUSES = (1, 1, 2, 3, 5, 8, *(15,) * 60)


def register(registry: kopf.OperatorRegistry, tables: Mapping[Resource, AnyTable]) -> None:
    """Let Kopf feed a table per kind of ours."""
    for resource, table in tables.items():
        kopf.on.event(GROUP, VERSION, resource.plural, registry=registry, id=f"take-{resource.plural}")(_taker(table))


def settings() -> kopf.OperatorSettings:
    """Return Kopf's settings: nothing is posted, nothing is stored in objects, no peering, no scan for kinds."""
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    chosen.scanning.disabled = True
    chosen.persistence.finalizer = f"{GROUP}/unused"
    chosen.persistence.diffbase_storage = _NoDiffBase()
    chosen.persistence.progress_storage = _NoProgress()
    chosen.watching.server_timeout = _SERVER_SECONDS
    chosen.watching.client_timeout = _SERVER_SECONDS + 10
    chosen.watching.connect_timeout = _CONNECT_SECONDS
    chosen.watching.chunk_size = _PAGE
    chosen.queueing.idle_timeout = _IDLE_SECONDS
    chosen.networking.connect_timeout = _CONNECT_SECONDS
    chosen.networking.request_timeout = _REQUEST_SECONDS
    chosen.networking.error_backoffs = _ERROR_PAUSES
    chosen.process.ultimate_exiting_timeout = None
    return chosen


def _taker(table: AnyTable) -> Callable[..., Awaitable[None]]:
    async def take(event: Mapping[str, Any], **_: object) -> None:
        if event["type"] == "DELETED":
            table.delete(event["object"])
        else:
            table.put(event["object"])

    return take


class _NoDiffBase(kopf.DiffBaseStorage):
    """Stores nothing: `on.event` handlers need no last-seen state (it would cost an annotation per object)."""

    def build(self, *, body: kopf.Body, extra_fields: Any = None) -> kopf.BodyEssence:  # noqa: ANN401 - Kopf's own
        """Nothing is compared, so nothing is copied (half of the CPU time of an event otherwise)."""
        del body, extra_fields
        return kopf.BodyEssence({})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        """There is never anything."""
        del body
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nothing is kept."""


class _NoProgress(kopf.ProgressStorage):
    """Stores nothing: `on.event` handlers have no progress."""

    def fetch(self, *, key: Any, body: kopf.Body) -> None:  # noqa: ANN401 - Kopf's own type is not public
        """There is never anything."""

    def store(self, *, key: Any, record: Any, body: kopf.Body, patch: kopf.Patch) -> None:  # noqa: ANN401
        """Nothing is kept."""

    def purge(self, *, key: Any, body: kopf.Body, patch: kopf.Patch) -> None:  # noqa: ANN401
        """Nothing was kept."""

    def touch(self, *, body: kopf.Body, patch: kopf.Patch, value: Any) -> None:  # noqa: ANN401
        """Nothing is marked."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Nothing has to be removed."""
        return essence
