"""Keeps the engine busy and the results in order.

In: the lines that are left, an engine, a sink for outcomes. Out: True when all lines are through, False when told to
stop. At most `concurrency` requests are in flight; a slow line holds back the writing of later ones, but only a bounded
number of them, so memory does not grow with the input.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

from inferfleet.batch_worker.engine import Engine
from inferfleet.batch_worker.lines import BadLine, Request
from inferfleet.batch_worker.results import Answer, Quarantined

# Answered lines that may wait for one slow line, per request in flight.
WINDOW_PER_REQUEST = 4

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

    Raises what `Engine.answer` raises; what was written before stays written.
    """
    slots = asyncio.Semaphore(concurrency)
    window: deque[Task] = deque()
    stopping = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            for line in islice(lines, WINDOW_PER_REQUEST * concurrency - len(window)):
                window.append(asyncio.create_task(_outcome(line, engine, slots, stop)))
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


async def _outcome(line: Request | BadLine, engine: Engine, slots: asyncio.Semaphore, stop: asyncio.Event) -> Outcome:
    if isinstance(line, BadLine):
        return Quarantined(number=line.number, custom_id=line.custom_id, code="bad_line", message=line.reason)
    async with slots:
        if stop.is_set():
            raise asyncio.CancelledError
        return await engine.answer(line)
