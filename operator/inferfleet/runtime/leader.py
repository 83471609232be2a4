"""Leader election over a `coordination.k8s.io/v1` Lease: of several operators one writes, the others keep warm caches.

In: a store for one Lease object. Out: `is_leader`, which turns False by itself before anybody else may take over, also
when the event loop hung or the network is gone. Durations are those of client-go (15 s, 10 s, 2 s). Must not stop the
writers itself: they ask `is_leader` before every pass.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from inferfleet.domain.resources import Document

_log = logging.getLogger(__name__)


class LeaseStore(Protocol):
    """One Lease in the cluster. All methods raise OSError when the API server cannot be asked."""

    async def read(self) -> Document | None:
        """Return the Lease, None when there is none."""

    async def create(self, lease: Document) -> Document | None:
        """Create it; None when somebody else was faster."""

    async def replace(self, lease: Document) -> Document | None:
        """Replace it if its resourceVersion is still the stored one; None when it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimes:
    """Seconds. `duration`: others wait this long after the last renewal. `renew_deadline`: we stop before that."""

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the Lease said, and when our own clock first saw it so: clocks of other machines are not trusted."""

    holder: str
    renewed: str
    at: float


class Leader:
    """Acquires, renews and gives back one Lease under one identity."""

    def __init__(
        self,
        store: LeaseStore,
        *,
        identity: str,
        now: Callable[[], datetime],
        times: LeaseTimes | None = None,
        on_acquired: Callable[[], None] = lambda: None,
    ) -> None:
        """`now` stamps the Lease for people to read; nothing is decided by it.

        `on_acquired` is called at the start of each leadership term, before `acquired` is set: somebody else may have
        led since.
        """
        self._store = store
        self._identity = identity
        self._now = now
        self._times = times or LeaseTimes()
        self._on_acquired = on_acquired
        self._held_until = float("-inf")
        self._seen: _Seen | None = None
        self._lease: Document | None = None
        self.acquired = asyncio.Event()

    @property
    def is_leader(self) -> bool:
        """Whether writing is allowed at this moment (asks the machine's clock: a blocked event loop stops its own)."""
        return time.monotonic() < self._held_until

    @property
    def holder(self) -> str:
        """Who holds the Lease as far as we know."""
        return self._seen.holder if self._seen else ""

    async def run(self) -> None:
        """Acquire the Lease and keep it, for ever; who lost it (a long pause, no network) stands in line again."""
        while True:
            while not self.is_leader:
                if not await self._attempt():
                    await asyncio.sleep(self._times.retry * random.uniform(1.0, 1.2))  # noqa: S311 - spreads attempts
            _log.info("acquired the lease as %s", self._identity)
            self._on_acquired()
            self.acquired.set()
            while self.is_leader:
                await asyncio.sleep(self._times.retry)
                await self._attempt()
            self.acquired.clear()
            _log.error("lost the lease")

    async def release(self) -> None:
        """Give the Lease back, so that a successor need not wait; only to be called when no write is under way."""
        if not self.is_leader or self._lease is None:
            return
        self._held_until = float("-inf")
        lease = self._written(self._lease, holder="", seconds=1)
        try:
            await self._store.replace(lease)
        except OSError as error:
            _log.warning("the lease was not released: %s", error)

    async def _attempt(self) -> bool:
        """Try once to acquire or renew. Returns whether the Lease is ours now."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._times.renew_deadline / 2):
                written = await self._acquire_or_renew(started)
        except OSError as error:  # TimeoutError is one
            _log.warning("the lease could not be written: %s", error or type(error).__name__)
            return False
        if written is None:
            return False
        self._lease = written
        self._held_until = started + self._times.renew_deadline
        return True

    async def _acquire_or_renew(self, started: float) -> Document | None:
        lease = await self._store.read()
        if lease is None:
            return await self._store.create(self._written({}, holder=self._identity))
        spec = lease.get("spec") or {}
        holder, renewed = spec.get("holderIdentity") or "", str(spec.get("renewTime") or "")
        if self._seen is None or (holder, renewed) != (self._seen.holder, self._seen.renewed):
            self._seen = _Seen(holder, renewed, started)
        duration = float(spec.get("leaseDurationSeconds") or self._times.duration)
        if holder not in ("", self._identity) and started < self._seen.at + duration:
            self._held_until = float("-inf")
            return None
        return await self._store.replace(self._written(lease, holder=self._identity))

    def _written(self, lease: Document, *, holder: str, seconds: float | None = None) -> Document:
        """Return the Lease as it is to be stored with this holder."""
        now = self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before = lease.get("spec") or {}
        changed = before.get("holderIdentity") != holder
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": int(seconds or self._times.duration),
            "renewTime": now,
            "acquireTime": now if changed else before.get("acquireTime", now),
            "leaseTransitions": int(before.get("leaseTransitions") or 0)
            + int(changed and bool(holder) and bool(before)),
        }
        return {**lease, "spec": spec}
