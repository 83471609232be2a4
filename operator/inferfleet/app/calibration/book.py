"""All calibrations in force: one per namespace, model, GPU type and engine settings, bounded in number and size.

In: judged calibrations, or the text of an earlier book. Out: a tuple for the planner, and a text to keep. What is not
material changes nothing, so neither decisions nor the stored text follow the noise of readings. Must not do I/O.
"""

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from inferfleet.domain.calibration import Calibration, CalibrationKey
from inferfleet.domain.observed import PodFacts
from inferfleet.engine.calibration import is_material, merged

_log = logging.getLogger(__name__)

MOST_CALIBRATIONS = 500
# A ConfigMap holds 1 MiB (kubernetes.io/docs/concepts/configuration/configmap); some is left for its metadata.
MOST_BYTES = 900 * 1024
_MOST_MESSAGES = 2000
_STORED = TypeAdapter(Calibration)


class CalibrationBook:
    """See the module; also remembers how pods ran out of memory, for the status."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        """Start empty; `now` dates the calibrations."""
        self._now = now
        self._calibrations: OrderedDict[CalibrationKey, Calibration] = OrderedDict()
        self._all: tuple[Calibration, ...] | None = None
        self._messages: OrderedDict[str, str] = OrderedDict()
        self.changed = False

    def __len__(self) -> int:
        return len(self._calibrations)

    def get(self, key: CalibrationKey) -> Calibration | None:
        """Return the calibration about this very setting, None without one."""
        return self._calibrations.get(key)

    def all(self) -> tuple[Calibration, ...]:
        """Return all calibrations; the same tuple until one changes."""
        if self._all is None:
            self._all = tuple(self._calibrations.values())
        return self._all

    def add(self, calibration: Calibration) -> bool:
        """Take in a calibration. Returns whether it says anything that was not known."""
        old = self._calibrations.get(calibration.key)
        if not is_material(old, calibration):
            return False
        dated = replace(calibration, learned_at=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        self._calibrations[calibration.key] = merged(old, dated)
        self._calibrations.move_to_end(calibration.key)
        if len(self._calibrations) > MOST_CALIBRATIONS:
            self._drop_one()
        self._all, self.changed = None, True
        return True

    def note_out_of_memory(self, pod_uid: str, message: str) -> None:
        """Remember how a pod ran out of memory."""
        self._messages[pod_uid] = message
        if len(self._messages) > _MOST_MESSAGES:
            self._messages.popitem(last=False)

    def out_of_memory_of(self, pods: Iterable[PodFacts]) -> str:
        """Return how the first of these pods ran out of memory that is not ready again, empty when none did."""
        return next((self._messages[pod.uid] for pod in pods if pod.uid in self._messages and not pod.ready), "")

    def text(self) -> str:
        """Return all calibrations as JSON, oldest first; of what would be too large the oldest are left out."""
        entries = [
            _STORED.dump_json(calibration, exclude_defaults=True).decode()
            for calibration in self._calibrations.values()
        ]
        size = sum(len(entry.encode()) + 2 for entry in entries)
        while size > MOST_BYTES:
            size -= len(entries.pop(0).encode()) + 2
        return "[" + ",\n".join(entries) + "]"

    def restore(self, text: str) -> None:
        """Take in the text of an earlier book; what cannot be read of it is skipped, because engines tell it again."""
        entries = _entries(text)
        calibrations = [calibration for entry in entries if (calibration := _calibration(entry)) is not None]
        if len(calibrations) < len(entries):
            _log.warning(
                "%d of %d stored calibrations could not be read", len(entries) - len(calibrations), len(entries)
            )
        for calibration in calibrations:
            self._calibrations.setdefault(calibration.key, calibration)
        while len(self._calibrations) > MOST_CALIBRATIONS:
            self._drop_one()
        self._all = None

    def _drop_one(self) -> None:
        """Drop the oldest calibration of the namespace that has most, so that no tenant pushes out the others'."""
        (namespace, _), *_ = Counter(key[0] for key in self._calibrations).most_common(1)
        del self._calibrations[next(key for key in self._calibrations if key[0] == namespace)]


def _entries(text: str) -> list[Any]:
    try:
        entries = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        _log.warning("the stored calibrations are not JSON (%s); calibration starts anew", error)
        return []
    return entries if isinstance(entries, list) else []


def _calibration(entry: object) -> Calibration | None:
    try:
        calibration = _STORED.validate_python(entry)
    except ValidationError:
        return None
    # Promotion is what a ModelProfile says, nothing else.
    return replace(calibration, promoted=False, any_flags=False)
