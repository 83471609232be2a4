"""Keeps the engine busy and the results in order.

In: the lines that are left, an engine, a sink for outcomes. Out: True when all lines are through, False when told to
stop. At most `concurrency` requests are in flight; a slow line holds back the writing of later ones, but only a bounded
number of them, so memory does not grow with the input. A line under which the engine ends is tried again alone: one
poisonous line must not cost all the others.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice

from inferfleet.batch_worker.engine import Engine
from inferfleet.batch_worker.errors import EngineLostError, OutsideError
from inferfleet.batch_worker.lines import BadLine, Request
from inferfleet.batch_worker.results import Answer, Quarantined

# Answered lines that may wait for one slow line, per request in flight.
WINDOW_PER_REQUEST = 4
# Lines in a row that killed the engine while alone, before the engine is blamed and no longer they.
POISONOUS_IN_A_ROW = 3

Outcome = Answer | Quarantined
Task = asyncio.Task[Outcome]


async def drive(
    lines: Iterator[Request | BadLine],
    engine: Engine,
    write: Callable[[Outcome], None],
    *,
    concurrency: int,
    stop: asyncio.Event,
    drain_seconds: float,
) -> bool:
    """Send all lines and write their outcomes in input order; see the module for what is returned.

    Raises `OutsideError` when the engine is to blame, `BadInputError` when it refuses the API key; what was written
    before stays written.
    """
    lanes = _Lanes(engine=engine, concurrency=concurrency, stop=stop)
    window: deque[Task] = deque()
    stopping = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            for line in islice(lines, WINDOW_PER_REQUEST * concurrency - len(window)):
                window.append(asyncio.create_task(lanes.outcome(line)))
            if not window:
                return True
            await asyncio.wait((window[0], stopping), return_when=asyncio.FIRST_COMPLETED)
            _write_finished(window, write)
        if window:
            await asyncio.wait(window, timeout=drain_seconds)
            _write_finished(window, write)
        return not window and next(lines, None) is None
    finally:
        for task in (stopping, *window):
            task.cancel()
        await asyncio.gather(stopping, *window, return_exceptions=True)


def _write_finished(window: deque[Task], write: Callable[[Outcome], None]) -> None:
    """Write from the front as far as lines are finished; a line that was never sent ends it as one in flight does."""
    while window and window[0].done() and not window[0].cancelled():
        write(window[0].result())
        window.popleft()


@dataclass(slots=True, kw_only=True)
class _Lanes:
    """Who may send now: `concurrency` lines together, or one alone."""

    engine: Engine
    concurrency: int
    stop: asyncio.Event
    slots: asyncio.Semaphore = field(init=False)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    poisonous: int = 0

    def __post_init__(self) -> None:
        self.slots = asyncio.Semaphore(self.concurrency)

    async def outcome(self, line: Request | BadLine) -> Outcome:
        """Send a line when there is room; once more alone when the engine was lost under it and others."""
        if isinstance(line, BadLine):
            return Quarantined(number=line.number, custom_id=line.custom_id, code="bad_line", message=line.reason)
        try:
            async with self.slots:
                return await self._send(line)
        except EngineLostError:
            async with self._alone():
                return await self._send_alone(line)

    async def _send(self, line: Request) -> Outcome:
        if self.stop.is_set():
            raise asyncio.CancelledError
        answered = await self.engine.answer(line)
        self.poisonous = 0
        return answered

    async def _send_alone(self, line: Request) -> Outcome:
        """Blame the line when the engine ends again with nobody else at work, but not line after line."""
        try:
            return await self._send(line)
        except EngineLostError as error:
            self.poisonous += 1
            if self.poisonous >= POISONOUS_IN_A_ROW:
                raise OutsideError(f"{error}, and so under {self.poisonous} lines in a row") from error
            return Quarantined(
                number=line.number, custom_id=line.custom_id, code="engine_died", message=f"{error}, sent alone"
            )

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Hold every slot; one suspect at a time, or two would wait for each other."""
        held = 0
        async with self.turn:
            try:
                while held < self.concurrency:
                    await self.slots.acquire()
                    held += 1
                yield
            finally:
                for _ in range(held):
                    self.slots.release()
