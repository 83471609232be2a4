"""A queue of keys that coalesces: any number of events about one object become one piece of work.

In: keys, each in a lane and possibly with a delay. Out: batches of distinct keys. A key is never handed out twice at
the same time; one that is added while it is being worked on comes again afterwards. Must not know what a key means.
"""

import asyncio
from collections.abc import Callable, Hashable
from enum import IntEnum
from typing import Generic, TypeVar

from inferfleet.runtime.backoff import Backoff

Key = TypeVar("Key", bound=Hashable)


class Lane(IntEnum):
    """Which keys go first. Resyncs and world changes ride in `LOW`, so that a user's change overtakes them."""

    HIGH = 0
    LOW = 1


class KeyedQueue(Generic[Key]):
    """See the module. Belongs to one event loop; all methods are to be called from it."""

    def __init__(self, *, backoff: Backoff | None = None, on_wait: Callable[[float], None] | None = None) -> None:
        """`on_wait` is told how many seconds each key waited before it was taken."""
        self._backoff = backoff or Backoff()
        self._on_wait = on_wait
        self._waiting: dict[Lane, dict[Key, float]] = {Lane.HIGH: {}, Lane.LOW: {}}
        self._processing: set[Key] = set()
        self._again: dict[Key, Lane] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._changed = asyncio.Event()
        self._closed = False
        self.added = 0
        self.retried = 0

    def __len__(self) -> int:
        return len(self._waiting[Lane.HIGH]) + len(self._waiting[Lane.LOW])

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being worked on; delayed keys do not count."""
        return not len(self) and not self._processing

    def add(self, key: Key, lane: Lane = Lane.HIGH) -> None:
        """Ask for work on the key. A key that waits in the low lane is moved up by a request in the high one."""
        if self._closed:
            return
        self.added += 1
        if key in self._processing:
            self._again[key] = min(lane, self._again.get(key, lane))
            return
        if lane is Lane.HIGH:
            since = self._waiting[Lane.LOW].pop(key, None)
            self._waiting[Lane.HIGH].setdefault(key, since if since is not None else self._now())
        elif key not in self._waiting[Lane.HIGH]:
            self._waiting[Lane.LOW].setdefault(key, self._now())
        self._changed.set()

    def add_after(self, key: Key, seconds: float, lane: Lane = Lane.LOW) -> None:
        """Ask for work on the key in `seconds`; of several delays of one key the earliest counts."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= loop.time() + seconds:
                return
            timer.cancel()
        self._timers[key] = loop.call_later(seconds, self._due, key, lane)

    def done(self, key: Key) -> None:
        """Say that work on the key succeeded: its failures are forgotten."""
        self._failures.pop(key, None)
        self._finish(key)

    def retry(self, key: Key, *, after: float | None = None) -> float:
        """Say that work on the key failed; it comes again after the back-off, or `after` seconds if that is longer.

        Returns the delay in seconds.
        """
        self.retried += 1
        self._failures[key] = self._failures.get(key, 0) + 1
        delay = max(self._backoff.seconds(self._failures[key]), after or 0.0)
        self._finish(key)
        self.add_after(key, delay)
        return delay

    async def take(self, *, limit: int, idle: float = 0.0, longest: float = 0.0) -> list[Key]:
        """Return the next batch of at most `limit` keys, high lane first; an empty list once closed.

        After the first key, waits until no key was added for `idle` seconds, at most `longest` seconds in all, so that
        a burst becomes few batches. An eighth of a batch is kept for the low lane, so that it cannot starve.
        """
        while not len(self):
            if self._closed:
                return []
            await self._wait_for_change(None)
        await self._gather(limit=limit, idle=idle, longest=longest)
        keys = self._pick(limit)
        self._processing.update(keys)
        return keys

    def close(self) -> None:
        """Take no more keys; those that wait are dropped (a restart finds them again)."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for lane in self._waiting.values():
            lane.clear()
        self._again.clear()
        self._changed.set()

    async def _gather(self, *, limit: int, idle: float, longest: float) -> None:
        deadline = self._now() + longest
        while len(self) < limit and not self._closed:
            seen = self.added
            await self._wait_for_change(min(idle, deadline - self._now()))
            if self.added == seen or self._now() >= deadline:
                return

    async def _wait_for_change(self, seconds: float | None) -> None:
        self._changed.clear()
        if seconds is not None and seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _pick(self, limit: int) -> list[Key]:
        low, high = self._waiting[Lane.LOW], self._waiting[Lane.HIGH]
        for_low = min(len(low), max(limit // 8, limit - len(high)))
        keys = [*list(high)[: limit - for_low], *list(low)[:for_low]]
        now = self._now()
        for key in keys:
            since = high.pop(key, None)
            since = low.pop(key, now) if since is None else since
            if self._on_wait is not None:
                self._on_wait(now - since)
        return keys

    def _finish(self, key: Key) -> None:
        self._processing.discard(key)
        lane = self._again.pop(key, None)
        if lane is not None:
            self.add(key, lane)

    def _due(self, key: Key, lane: Lane) -> None:
        self._timers.pop(key, None)
        self.add(key, lane)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
