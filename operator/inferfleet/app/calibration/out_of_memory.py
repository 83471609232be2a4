"""Engines that ran out of GPU memory: their termination messages become calibrations, once each.

In: news about a deployment's pods. Out: judged calibrations for `on_out_of_memory`, and a message for its status. There
is a calibration only where nothing with the same settings runs, because what runs has proved that it fits. Must not
decide what is tried next.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

from inferfleet.app.calibration.book import CalibrationBook
from inferfleet.app.calibration.sources import ReadLog
from inferfleet.app.calibration.subjects import Subject, ended_engines
from inferfleet.apply.errors import ApiError
from inferfleet.domain.calibration import Calibration, CalibrationKey
from inferfleet.domain.keys import Key
from inferfleet.domain.observed import PodFacts
from inferfleet.engine.calibration import OutOfMemory, read_out_of_memory
from inferfleet.observe.store import Store

_log = logging.getLogger(__name__)

# Where once proves nothing (the engine ran before, or something else held the card), so many times in a row do.
RESTARTS_THAT_PROVE = 3
_REMEMBERED = 10_000


class OutOfMemoryWatch:
    """See the module; `subjects(key)` are the placements of a deployment whose figures count.

    `running(key)` tells whether a ready pod of the namespace runs this very setting.
    """

    def __init__(
        self,
        store: Store,
        book: CalibrationBook,
        *,
        subjects: Callable[[Key], tuple[Subject, ...]],
        running: Callable[[CalibrationKey], bool],
        on_out_of_memory: Callable[[Subject, Calibration], None],
        last_log: ReadLog | None,
    ) -> None:
        """`last_log` is None where logs may not be read."""
        self._store = store
        self._book = book
        self._subjects = subjects
        self._running = running
        self._on_out_of_memory = on_out_of_memory
        self._last_log = last_log
        self._heard: OrderedDict[str, int] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def touched(self, key: Key) -> bool:
        """Look at a deployment whose pods changed. Returns whether an engine ended and its setting is not known yet."""
        ended = ended_engines(self._store.pods_of(key))
        if not any(self._is_news(pod, restarts) for pod, _, restarts in ended):
            return False
        subjects = self._subjects(key)
        for subject in subjects:
            for pod, message, restarts in ended_engines(subject.pods):
                if self._is_news(pod, restarts):
                    self._remember(pod, restarts)
                    self._hear(subject, pod, message, restarts)
        return not subjects

    def _hear(self, subject: Subject, pod: PodFacts, message: str, restarts: int) -> None:
        found = read_out_of_memory(subject.setting, message)
        if found is not None:
            self._judge(subject, pod, found, restarts)
        elif self._last_log is not None:
            # The message holds the last 2 KiB of the log; the cause often stands before the stack of the parent.
            task = asyncio.get_running_loop().create_task(self._read_log(self._last_log, subject, pod, restarts))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _read_log(self, last_log: ReadLog, subject: Subject, pod: PodFacts, restarts: int) -> None:
        try:
            log = await last_log(pod)
        except ApiError as error:
            _log.debug("the log of %s/%s could not be read: %s", pod.namespace, pod.name, error)
            return
        found = read_out_of_memory(subject.setting, log)
        if found is not None:
            self._judge(subject, pod, found, restarts)

    def _judge(self, subject: Subject, pod: PodFacts, found: OutOfMemory, restarts: int) -> None:
        self._book.note_out_of_memory(pod.uid, f"pod {pod.name}: {found.message}")
        key = found.calibration.key
        known = self._book.get(key)
        ran_before = known is not None and not known.out_of_memory and known.kv_cache_gib is not None
        doubtful = found.of_others or (ran_before and not found.while_starting)
        if self._running(key) or (doubtful and restarts < RESTARTS_THAT_PROVE):
            _log.info("%s/%s ran out of memory; the same setting works elsewhere or before", pod.namespace, pod.name)
            return
        self._on_out_of_memory(subject, found.calibration)

    def _is_news(self, pod: PodFacts, restarts: int) -> bool:
        return self._heard.get(pod.uid, -1) < restarts

    def _remember(self, pod: PodFacts, restarts: int) -> None:
        self._heard[pod.uid] = restarts
        if len(self._heard) > _REMEMBERED:
            self._heard.popitem(last=False)
