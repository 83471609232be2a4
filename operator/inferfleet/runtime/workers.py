"""A fixed number of workers that carry out decided work side by side.

In: items, and a coroutine function that handles one. Out: nothing; the handler reports its own result. This is the one
place where any exception is caught: a bug met by one item is logged and handed to `on_crash`, and the others go on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")

_log = logging.getLogger(__name__)


class Workers(Generic[Item]):
    """`count` tasks that take items in order of arrival."""

    def __init__(
        self, handle: Callable[[Item], Awaitable[None]], *, count: int, on_crash: Callable[[Item], None]
    ) -> None:
        """`on_crash` is called with an item whose handler raised, for example to queue it again."""
        self._handle = handle
        self._on_crash = on_crash
        self._items: asyncio.Queue[Item] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._work(), name=f"worker {number}") for number in range(count)]

    def submit(self, item: Item) -> None:
        """Hand an item to the next free worker."""
        self._items.put_nowait(item)

    async def drain(self, seconds: float) -> bool:
        """Wait until everything submitted is handled, at most `seconds`, then stop. Returns whether it all was."""
        try:
            async with asyncio.timeout(seconds):
                await self._items.join()
        except TimeoutError:
            return False
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        return True

    async def _work(self) -> None:
        while True:
            item = await self._items.get()
            try:
                await self._handle(item)
            except Exception:  # noqa: BLE001 - the top loop: one bad object must not stop the others
                _log.exception("work on %s crashed", item)
                self._on_crash(item)
            finally:
                self._items.task_done()
