"""Models that only the hub knows: looked up in the background, answered from memory.

In: model ids and revisions, and the operator's own access to a hub. Out: what is known now, at once; `on_answer` is
told when more is known. Look-ups run in a few threads, because the hub's client blocks. Must not raise for anything
that a hub answers.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import urlsplit

from inferfleet.domain.model import Model, UnknownModel
from inferfleet.domain.wording import duration_text
from inferfleet.observe.hub import REMEDY, HubAccess, Unreachable, look_up

_log = logging.getLogger(__name__)

Answer = Model | UnknownModel | Unreachable
LookUp = Callable[[HubAccess, str, str], Answer]

_PARALLEL = 4
# A repository may be made or opened by the time somebody looks again; a model that was described does not change.
_UNKNOWN_SECONDS = 600.0
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0
_REMEMBERED = 10_000


def hub_is_off(model_id: str, revision: str) -> UnknownModel:
    """Return that no hub is asked; replaces `HubCache.find` where the hub is switched off."""
    del revision
    message = f"model {model_id} is not in the built-in catalogue, and no hub is asked (INFERFLEET_HUB_ENABLED=false)"
    return UnknownModel(id=model_id, message=f"{message}: {REMEDY}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What is known of one revision of one model until `valid_until`, in seconds of a steady clock."""

    answer: Model | UnknownModel
    valid_until: float
    asking: bool = False
    failures: int = 0


class HubCache:
    """See the module. Belongs to the event loop in which `find` is called."""

    def __init__(
        self,
        access: HubAccess,
        *,
        on_answer: Callable[[str], None],
        ask: LookUp = look_up,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_answer(model_id)` is called in the event loop when there is news about a model."""
        self._access = access
        self._host = urlsplit(access.endpoint).netloc or access.endpoint
        self._on_answer = on_answer
        self._ask = ask
        self._clock = clock
        self._entries: dict[tuple[str, str], _Entry] = {}
        self._free = asyncio.Semaphore(_PARALLEL)
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, model_id: str, revision: str) -> Model | UnknownModel:
        """Return what is known; what is not known, or no longer certain, is looked up."""
        key = (model_id, revision)
        entry = self._entries.get(key)
        if entry is None:
            message = f"model {model_id} is not in the built-in catalogue; asking {self._host}"
            entry = _Entry(answer=UnknownModel(id=model_id, message=message, pending=True), valid_until=0.0)
            self._forget_some()
        if not entry.asking and entry.valid_until <= self._clock():
            entry = self._entries[key] = replace(entry, asking=True)
            task = asyncio.get_running_loop().create_task(self._look_up(key))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return entry.answer

    async def _look_up(self, key: tuple[str, str]) -> None:
        async with self._free:
            try:
                answer = await _in_thread(partial(self._ask, self._access, *key))
            except Exception:  # noqa: BLE001 - the top of a background task: a bug must not leave a model asked for ever
                _log.exception("the look-up of %s failed", key[0])
                answer = Unreachable(message=f"the look-up of {key[0]} on {self._host} failed")
        self._take(key, answer)

    def _take(self, key: tuple[str, str], answer: Answer) -> None:
        before, now = self._entries[key], self._clock()
        if isinstance(answer, Unreachable):
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**before.failures)
            message = f"{answer.message}; it is asked again in {duration_text(pause / 3600)}. Otherwise {REMEDY}"
            known = before.answer if isinstance(before.answer, Model) else None
            said = known or UnknownModel(id=key[0], message=message, pending=True)
            self._entries[key] = _Entry(answer=said, valid_until=now + pause, failures=before.failures + 1)
            asyncio.get_running_loop().call_later(pause, self._on_answer, key[0])
        else:
            lasts = float("inf") if isinstance(answer, Model) else _UNKNOWN_SECONDS
            self._entries[key] = _Entry(answer=answer, valid_until=now + lasts)
        _log.info("%s about %s: %s", self._host, key[0], answer.source if isinstance(answer, Model) else answer.message)
        self._on_answer(key[0])

    def _forget_some(self) -> None:
        """Keep the cache bounded, because tenants choose the ids: the oldest entry that is not being looked up goes."""
        if len(self._entries) >= _REMEMBERED:
            oldest = next((key for key, entry in self._entries.items() if not entry.asking), None)
            if oldest is not None:
                del self._entries[oldest]


async def _in_thread(function: Callable[[], Answer]) -> Answer:
    """Run a blocking function in a thread that does not delay the end of the process."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()

    def settle(answer: Answer | None, error: Exception | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        elif answer is not None:
            future.set_result(answer)

    def work() -> None:
        answer, failure = None, None
        try:
            answer = function()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            failure = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, answer, failure)

    threading.Thread(target=work, name="hub look-up", daemon=True).start()
    return await future
