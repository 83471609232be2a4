"""Events for people: one when a condition flips or gets a new reason, never one per pass.

In: the conditions before and after a write. Out: `events.k8s.io/v1` objects, posted one after the other at a bounded
rate. Events are a courtesy: they are dropped rather than queued without limit, and a failure to post one is only
logged. Must not be counted on by anything.
"""

import asyncio
import logging
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from inferfleet.api.conditions import Condition, find_condition
from inferfleet.api.reasons import ConditionType
from inferfleet.api.v1alpha1 import InferenceDeploymentStatus
from inferfleet.api.v1alpha1.inference_deployment_status import PlacementSummary
from inferfleet.domain.owner import Owner
from inferfleet.domain.resources import EVENT, Document

_log = logging.getLogger(__name__)

CONTROLLER = "inferfleet.dev/operator"
# Conditions whose changes are told: the answers that people asked for, not every step.
_TOLD = (
    ConditionType.READY,
    ConditionType.PLANNED,
    ConditionType.WITHIN_BUDGET,
    ConditionType.CHEAPER_PLACEMENT,
    ConditionType.PRICE_FRESH,
)
_NOTE = 1000  # events.k8s.io/v1 accepts 1024
_WAITING = 1000
_REMEMBERED = 10_000
_PER_SECOND = 10.0
_BURST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing to tell, and about which object."""

    regarding: Owner
    warning: bool
    reason: str
    action: str
    message: str


def transitions(regarding: Owner, before: tuple[Condition, ...], after: tuple[Condition, ...]) -> tuple[Note, ...]:
    """Return a note for each condition that has another status or reason; `Unknown` is not told."""
    notes: dict[str, Note] = {}
    for kind in _TOLD:
        old, new = find_condition(before, kind), find_condition(after, kind)
        if new is None or new.status == "Unknown" or (old and (old.status, old.reason) == (new.status, new.reason)):
            continue
        note = Note(
            regarding=regarding,
            warning=new.status == "False" and new.reason != "Progressing",
            reason=new.reason,
            action=str(kind),
            message=new.message,
        )
        notes.setdefault(new.reason, note)  # Ready repeats the deepest reason: told once
    return tuple(notes.values())


def moves(regarding: Owner, before: InferenceDeploymentStatus, after: InferenceDeploymentStatus) -> tuple[Note, ...]:
    """Return a note when the largest placement moved, and one for each pool that backs off anew."""
    notes = []
    old, new = before.placement, after.placement
    if old is not None and new is not None and _place(old) != _place(new):
        planned = find_condition(after.conditions, ConditionType.PLANNED)
        why = f": {planned.message}" if planned is not None else ""
        message = f"from {_place(old)} to {_place(new)}{why}"
        notes.append(Note(regarding=regarding, warning=False, reason="Moved", action="Placement", message=message))
    known = {(item.pool, item.until) for item in before.history.back_offs} if before.history else set()
    for item in after.history.back_offs if after.history else ():
        if (item.pool, item.until) not in known:
            message = f"pool {item.pool} did not deliver nodes; it is asked again after {item.until:%H:%M} UTC"
            notes.append(
                Note(regarding=regarding, warning=True, reason="PoolBackingOff", action="Waiting", message=message)
            )
    return tuple(notes)


def _place(summary: PlacementSummary) -> str:
    return f"{summary.tensor_parallel_size} x {summary.gpu_type} in pool {summary.pool}"


class Recorder:
    """Posts notes in the background; `post` creates one Event document and raises OSError when it cannot."""

    def __init__(
        self, post: Callable[[Document], Awaitable[object]], *, instance: str, now: Callable[[], datetime]
    ) -> None:
        """`instance` is the identity of this process."""
        self._post = post
        self._instance = instance
        self._now = now
        self._waiting: asyncio.Queue[Note] = asyncio.Queue(_WAITING)
        self._last: OrderedDict[tuple[str, str], Note] = OrderedDict()

    def tell(self, note: Note) -> None:
        """Post a note later, unless the last one about this object and action is the same."""
        key = (note.regarding.uid, note.action)
        if self._last.get(key) == note:
            return
        self._last[key] = note
        self._last.move_to_end(key)
        if len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)
        if not self._waiting.full():
            self._waiting.put_nowait(note)

    async def run(self) -> None:
        """Post for ever, at most ten per second after a burst of fifty."""
        loop = asyncio.get_running_loop()
        tokens, at = float(_BURST), loop.time()
        while True:
            note = await self._waiting.get()
            now = loop.time()
            tokens, at = min(float(_BURST), tokens + (now - at) * _PER_SECOND), now
            if tokens < 1:
                await asyncio.sleep((1 - tokens) / _PER_SECOND)
            tokens -= 1
            try:
                await self._post(event(note, instance=self._instance, now=self._now()))
            except OSError as error:
                _log.warning("event %s of %s was not posted: %s", note.reason, note.regarding.name, error)


def event(note: Note, *, instance: str, now: datetime) -> Document:
    """Return the Event document of a note."""
    regarding = note.regarding
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"name": f"{regarding.name}.{uuid.uuid4().hex[:16]}", "namespace": regarding.namespace},
        "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "type": "Warning" if note.warning else "Normal",
        "reason": note.reason,
        "action": note.action,
        "note": note.message[:_NOTE],
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:128],
        "regarding": {
            "apiVersion": regarding.api_version,
            "kind": regarding.kind.value,
            "namespace": regarding.namespace,
            "name": regarding.name,
            "uid": regarding.uid,
        },
    }
