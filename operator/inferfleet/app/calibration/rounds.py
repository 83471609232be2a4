"""Rounds past the engines: one ready pod per placement is read every minute or so, its start-up log once.

In: placements whose figures count, and a reader. Out: judged calibrations, or why a reading gave none. Few at a time,
each bounded in time and size, so that engines which hang hold up nobody but themselves.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from inferfleet.app.calibration.sources import ReadLog
from inferfleet.app.calibration.subjects import Subject
from inferfleet.apply.errors import ApiError
from inferfleet.domain.calibration import Calibration, Unusable
from inferfleet.domain.keys import Key
from inferfleet.domain.observed import PodFacts
from inferfleet.domain.refused import Refused
from inferfleet.engine.calibration import from_cache, from_log, from_windows, read_engine_log
from inferfleet.engine.throughput import SHORTEST_WINDOW_SECONDS, CounterSnapshot, Window, window
from inferfleet.observe.engine_reader import EnginePlace, EngineReader, ReadingFailed
from inferfleet.render import ENGINE_PORT

_log = logging.getLogger(__name__)

_TICK_SECONDS = 0.5
_AT_ONCE = 8
# A pod that just became ready is read soon, but not in the same moment as a thousand others.
_SOON_SECONDS = 1.0
_UNDECIDED_SECONDS = 5.0
_WINDOWS = 30


@dataclass(slots=True, kw_only=True)
class _Course:
    """What was read of one placement: from which pod, and what its counters said since."""

    pod: str = ""
    log_read: bool = False
    cache_known: bool = False
    before: CounterSnapshot | None = None
    windows: deque[Window] = field(default_factory=lambda: deque(maxlen=_WINDOWS))


class Rounds:
    """See the module."""

    def __init__(
        self,
        *,
        subjects: Callable[[Key], tuple[Subject, ...]],
        pods: Callable[[Key], Iterable[PodFacts]],
        reader: EngineReader | None,
        start_log: ReadLog | None,
        on_result: Callable[[Subject, Calibration | Refused[Unusable]], None],
        may_read: Callable[[], bool],
        now: Callable[[], float],
        seconds: float,
    ) -> None:
        """`reader` None: metrics are not read; `start_log` None: logs are not. `seconds` is the pause between looks."""
        self._subjects = subjects
        self._pods = pods
        self._reader = reader
        self._start_log = start_log
        self._on_result = on_result
        self._may_read = may_read
        self._now = now
        self._seconds = seconds
        self._due: dict[Key, float] = {}
        self._courses: dict[Key, dict[str, _Course]] = {}
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._tasks: dict[Key, asyncio.Task[None]] = {}

    def touched(self, key: Key) -> None:
        """Look at a deployment soon when it has ready pods, and those that were read are not among them."""
        ready = {pod.uid for pod in self._pods(key) if pod.ready}
        read = {course.pod for course in self._courses.get(key, {}).values()}
        if ready and (not read or not read <= ready):
            soon = self._now() + _SOON_SECONDS
            self._due[key] = min(self._due.get(key, soon), soon)

    def forget(self, key: Key) -> None:
        """Forget a deployment that is gone."""
        self._due.pop(key, None)
        self._courses.pop(key, None)

    async def run(self) -> None:
        """Read for ever, while this process leads."""
        try:
            while True:
                await asyncio.sleep(_TICK_SECONDS)
                if self._may_read():
                    self._start_those_due()
        finally:
            for task in self._tasks.values():
                task.cancel()

    def _start_those_due(self) -> None:
        now = self._now()
        for key in [key for key, at in self._due.items() if at <= now and key not in self._tasks]:
            del self._due[key]
            self._tasks[key] = asyncio.create_task(self._look(key), name=f"reading {key}")

    async def _look(self, key: Key) -> None:
        try:
            async with self._free:
                subjects = self._subjects(key)
                for subject in subjects:
                    await self._read(subject)
            if any(pod.ready for pod in self._pods(key)):
                # Without a subject nothing was decided yet, or nobody's figures count: that may change soon.
                seconds = self._seconds if subjects else min(self._seconds, _UNDECIDED_SECONDS)
                pause = seconds * random.uniform(0.9, 1.1)  # noqa: S311 - spreads the load
                self._due.setdefault(key, self._now() + pause)
        except Exception:  # noqa: BLE001 - the top of a background task: one odd engine must not end the rounds
            _log.exception("reading %s failed", key)
        finally:
            self._tasks.pop(key, None)

    async def _read(self, subject: Subject) -> None:
        courses = self._courses.setdefault(subject.key, {})
        course = courses.setdefault(subject.placement, _Course())
        pod = _pod_to_read(subject, course)
        if pod is None:
            return
        if pod.uid != course.pod:
            courses[subject.placement] = course = _Course(pod=pod.uid, windows=course.windows)
        if self._start_log is not None and not course.log_read:
            await self._read_log(self._start_log, subject, course, pod)
        if self._reader is not None:
            await self._read_metrics(self._reader, subject, course, pod)

    async def _read_log(self, start_log: ReadLog, subject: Subject, course: _Course, pod: PodFacts) -> None:
        course.log_read = True
        try:
            text = await start_log(pod)
        except ApiError as error:
            self._on_result(subject, Refused(Unusable.UNREACHABLE, str(error)))
            return
        result = from_log(subject.setting, read_engine_log(text))
        course.cache_known = isinstance(result, Calibration) and result.kv_cache_gib is not None
        self._on_result(subject, result)

    async def _read_metrics(self, reader: EngineReader, subject: Subject, course: _Course, pod: PodFacts) -> None:
        place = EnginePlace(namespace=pod.namespace, pod=pod.name, address=pod.address, port=ENGINE_PORT)
        try:
            reading = await reader.read(place)
        except ReadingFailed as error:
            self._on_result(subject, Refused(error.reason, str(error)))
            return
        if not course.cache_known:  # the log's figure is exact, this one is rounded down to blocks
            cache = reading.cache
            if isinstance(cache, Refused):
                self._on_result(subject, cache)
            else:
                self._on_result(subject, from_cache(subject.setting, blocks=cache.blocks, block_size=cache.block_size))
        self._on_counters(subject, course, reading.counters)

    def _on_counters(self, subject: Subject, course: _Course, seen: CounterSnapshot | Refused[Unusable]) -> None:
        if isinstance(seen, Refused):
            self._on_result(subject, seen)
            return
        before, course.before = course.before, seen
        if before is None:
            return
        if 0 <= seen.at_seconds - before.at_seconds < SHORTEST_WINDOW_SECONDS:
            course.before = before  # too short to mean something: wait for the next look
            return
        found = window(before, seen)
        if isinstance(found, Refused):
            self._on_result(subject, found)
            return
        course.windows.append(found)
        self._on_result(subject, from_windows(subject.setting, tuple(course.windows), now_seconds=seen.at_seconds))


def _pod_to_read(subject: Subject, course: _Course) -> PodFacts | None:
    """Stay with the pod that was read before: counters of two pods make no window."""
    ready = [pod for pod in subject.pods if pod.ready and pod.address]
    return next((pod for pod in ready if pod.uid == course.pod), ready[0] if ready else None)
