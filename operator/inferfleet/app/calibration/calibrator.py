"""Calibration from end to end: whose figures count, what they say, who has to hear of it, what is kept.

In: news about deployments, and what was decided for them. Out: calibrations for the planner, figures for status, one
ConfigMap. A new calibration wakes those that have nothing running and those whose engine ran out of memory; what runs
is only reported again.
"""

import asyncio
import logging
from collections.abc import Callable

from inferfleet.app.calibration.book import CalibrationBook
from inferfleet.app.calibration.out_of_memory import OutOfMemoryWatch
from inferfleet.app.calibration.rounds import Rounds
from inferfleet.app.calibration.sources import Sources
from inferfleet.app.calibration.storage import CalibrationStorage
from inferfleet.app.calibration.subjects import Subject, setting_of, subjects_of
from inferfleet.app.enqueue import Enqueuer
from inferfleet.app.planner import Decided, Planner
from inferfleet.apply.errors import ApiError, Forbidden
from inferfleet.domain.calibration import Calibration, CalibrationKey, Unusable
from inferfleet.domain.keys import Key
from inferfleet.domain.owner import Owner
from inferfleet.domain.refused import Refused
from inferfleet.observe.store import Store
from inferfleet.report.events import Note, Recorder
from inferfleet.report.observation import Calibrated
from inferfleet.runtime.queue import Lane

_log = logging.getLogger(__name__)

_SAVE_SECONDS = 30.0
_RETRY_SECONDS = 2.0
_MOST_TOLD = 10_000


class Calibrator:
    """See the module."""

    def __init__(
        self,
        *,
        store: Store,
        book: CalibrationBook,
        storage: CalibrationStorage,
        sources: Sources,
        planner: Planner,
        enqueuer: Enqueuer,
        recorder: Recorder,
        count: Callable[[str], None],
        may_write: Callable[[], bool],
        now: Callable[[], float],
        seconds: float,
    ) -> None:
        """`count(outcome)` counts readings; `seconds` lie between two looks at one engine."""
        self._store = store
        self._book = book
        self._storage = storage
        self._reader = sources.reader
        self._planner = planner
        self._enqueuer = enqueuer
        self._recorder = recorder
        self._count = count
        self._may_write = may_write
        self._now = now
        self._restored = False
        self._unclear: set[Key] = set()
        self._told: set[tuple[str, Unusable]] = set()
        self._out_of_memory = OutOfMemoryWatch(
            store,
            book,
            subjects=self._subjects,
            running=self._is_running,
            on_out_of_memory=self._calibrated,
            last_log=sources.last_log,
        )
        self._rounds = Rounds(
            subjects=self._subjects,
            pods=store.pods_of,
            reader=sources.reader,
            start_log=sources.start_log,
            on_result=self._result,
            may_read=may_write,
            now=now,
            seconds=seconds,
        )

    def touched(self, key: Key) -> None:
        """Hear that something about a deployment changed."""
        if not self._may_write():
            return
        if self._store.deployments.get(key) is None:
            self._rounds.forget(key)
            self._unclear.discard(key)
            return
        self._rounds.touched(key)
        if self._out_of_memory.touched(key):
            self._unclear.add(key)

    def begin_term(self) -> None:
        """Hear that this process leads from now on: another one may have stored calibrations since."""
        self._restored = False

    async def prepare(self) -> None:
        """Make sure that the stored calibrations are known; an API server that is away is waited for."""
        while not self._restored:
            try:
                text = await self._storage.read()
            except Forbidden as error:
                _log.warning("the stored calibrations cannot be read: %s", error.message)
                text = None
            except ApiError as error:
                _log.warning("the stored calibrations cannot be read yet: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if text is not None:
                self._book.restore(text)
                _log.info("%d calibrations were stored before", len(self._book))
            self._restored = True
            # What happened before this process led was not heard.
            for key in self._store.deployments.keys():  # noqa: SIM118 - a table, not a dict
                self.touched(key)

    async def run(self) -> None:
        """Read engines and keep their calibrations, for ever."""
        rounds = asyncio.create_task(self._rounds.run(), name="engine readings")
        try:
            saved_at = float("-inf")
            while not rounds.done():
                await asyncio.sleep(1)
                if not self._may_write():
                    continue
                self._look_again()
                if self._book.changed and self._now() - saved_at >= _SAVE_SECONDS:
                    saved_at = self._now()
                    await self.save()
            rounds.result()
        finally:
            rounds.cancel()

    async def save(self) -> None:
        """Store the calibrations when they changed since the last time; a failure is logged and tried again."""
        if not (self._book.changed and self._may_write()):
            return
        self._book.changed = False
        try:
            await self._storage.write(self._book.text())
        except ApiError as error:
            self._book.changed = True
            _log.warning("the calibrations could not be stored: %s", error)

    async def close(self) -> None:
        """Close connections to engines."""
        if self._reader is not None:
            await self._reader.close()

    def _look_again(self) -> None:
        """Look again at ended engines whose setting was not decided when they were seen."""
        for key in [key for key in self._unclear if self._planner.decided(key) is not None]:
            self._unclear.discard(key)
            self._out_of_memory.touched(key)

    def _subjects(self, key: Key) -> tuple[Subject, ...]:
        decided = self._planner.decided(key)
        return () if decided is None else subjects_of(self._store, key, decided)

    def _is_running(self, wanted: CalibrationKey) -> bool:
        """Whether a ready pod in the namespace runs this very setting."""
        keys = [key for key in self._planner.decisions() if key.namespace == wanted[0]]
        return any(
            pod.ready
            for key in keys
            for subject in self._subjects(key)
            if subject.setting.calibration().key == wanted
            for pod in subject.pods
        )

    def _result(self, subject: Subject, result: Calibration | Refused[Unusable]) -> None:
        if isinstance(result, Calibration):
            self._calibrated(subject, result)
            return
        self._count(result.reason)
        if (subject.uid, result.reason) in self._told:
            return
        if len(self._told) >= _MOST_TOLD:
            self._told.clear()
        self._told.add((subject.uid, result.reason))
        _log.debug("%s: no calibration, %s: %s", subject.key, result.reason, result.message)
        if result.reason is Unusable.ABSURD:
            self._recorder.tell(_reading_ignored(subject, result))

    def _calibrated(self, subject: Subject, calibration: Calibration) -> None:
        if not self._book.add(calibration):
            self._count("unchanged")
            return
        self._count("calibrated")
        out_of_memory = bool(calibration.out_of_memory)
        _log.info("%s: new calibration, %s", subject.key, calibration.out_of_memory or calibration.source)
        self._enqueuer.wake(subject.key, decide=out_of_memory, lane=Lane.HIGH if out_of_memory else Lane.LOW)
        for key, decision in self._planner.decisions().items():
            if key.namespace == calibration.namespace and decision.blocked is not None and key != subject.key:
                self._enqueuer.wake(key, decide=True, lane=Lane.LOW)


def _reading_ignored(subject: Subject, refused: Refused[Unusable]) -> Note:
    return Note(
        regarding=Owner.of(subject.key, subject.uid),
        warning=True,
        reason="ReadingIgnored",
        action="Calibration",
        message=f"a reading of placement {subject.placement} is ignored: {refused.reason}: {refused.message}",
    )


def calibrated(book: CalibrationBook, decided: Decided, out_of_memory: str) -> Calibrated | None:
    """Return what is known of the largest placement: its engine's figures, and the estimate without any calibration.

    `out_of_memory` is the message of an engine that ran out of memory, empty without one.
    """
    nothing_measured = Calibrated(out_of_memory=out_of_memory) if out_of_memory else None
    demand, placements = decided.demand, decided.decision.placements
    if demand is None or not placements or decided.leave_alone:
        return nothing_measured
    largest = max(placements, key=lambda placement: placement.replicas)
    pool = decided.pools.get(largest.pool)
    setting = setting_of(demand, largest, pool) if pool is not None else None
    calibration = book.get(setting.calibration().key) if setting is not None else None
    if setting is None or calibration is None or calibration.out_of_memory:
        return nothing_measured
    return Calibrated(predicted=setting.predicted, measured=calibration, out_of_memory=out_of_memory)
