"""What has to be remembered of earlier decisions, because nothing in the cluster shows it.

Stored in `status.history`, read back with the holdings. Times are UTC. Everything here only slows decisions down:
losing it costs a move or an attempt too early, never money or service.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """A pool that did not deliver: left alone `until` then; `failures` in a row make the pauses longer."""

    pool: str
    until: datetime
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """When it moved last, since when fewer replicas would do, and which pools did not deliver (sorted by name)."""

    moved_at: datetime | None = None
    fewer_since: datetime | None = None
    back_offs: tuple[BackOff, ...] = ()


NO_HISTORY = History()
