"""All lessons in force: one per namespace, model, GPU type and engine settings, bounded in number and size.

In: judged lessons, or the text of an earlier book. Out: a tuple for the planner, and a text to keep. What is not
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

from inferfleet.domain.lesson import Lesson, LessonKey
from inferfleet.domain.observed import PodFacts
from inferfleet.plan.teaching import is_material, merged

_log = logging.getLogger(__name__)

MOST_LESSONS = 500
# A ConfigMap holds 1 MiB (kubernetes.io/docs/concepts/configuration/configmap); some is left for its metadata.
MOST_BYTES = 900 * 1024
_MOST_WORDS = 2000
_LESSON = TypeAdapter(Lesson)


class LessonBook:
    """See the module; also remembers the last words of pods that ran out of memory, for their status."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        """Start empty; `now` dates what is learnt."""
        self._now = now
        self._lessons: OrderedDict[LessonKey, Lesson] = OrderedDict()
        self._all: tuple[Lesson, ...] | None = None
        self._words: OrderedDict[str, str] = OrderedDict()
        self.changed = False

    def __len__(self) -> int:
        return len(self._lessons)

    def get(self, key: LessonKey) -> Lesson | None:
        """Return the lesson about this very setting, None without one."""
        return self._lessons.get(key)

    def all(self) -> tuple[Lesson, ...]:
        """Return all lessons; the same tuple until something is learnt."""
        if self._all is None:
            self._all = tuple(self._lessons.values())
        return self._all

    def learn(self, lesson: Lesson) -> bool:
        """Take in a lesson. Returns whether it says anything that was not known."""
        old = self._lessons.get(lesson.key)
        if not is_material(old, lesson):
            return False
        dated = replace(lesson, learned_at=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        self._lessons[lesson.key] = merged(old, dated)
        self._lessons.move_to_end(lesson.key)
        if len(self._lessons) > MOST_LESSONS:
            self._drop_one()
        self._all, self.changed = None, True
        return True

    def note_words(self, pod_uid: str, words: str) -> None:
        """Remember what a pod that ran out of memory had to say."""
        self._words[pod_uid] = words
        if len(self._words) > _MOST_WORDS:
            self._words.popitem(last=False)

    def words_of(self, pods: Iterable[PodFacts]) -> str:
        """Return the last words of the first of these pods that is dead, empty when none is."""
        return next((self._words[pod.uid] for pod in pods if pod.uid in self._words and not pod.ready), "")

    def text(self) -> str:
        """Return all lessons as JSON, oldest first; of what would be too large the oldest are left out."""
        entries = [_LESSON.dump_json(lesson, exclude_defaults=True).decode() for lesson in self._lessons.values()]
        size = sum(len(entry.encode()) + 2 for entry in entries)
        while size > MOST_BYTES:
            size -= len(entries.pop(0).encode()) + 2
        return "[" + ",\n".join(entries) + "]"

    def restore(self, text: str) -> None:
        """Take in the text of an earlier book; what cannot be read of it is skipped, because it can be learnt again."""
        entries = _entries(text)
        lessons = [lesson for entry in entries if (lesson := _lesson(entry)) is not None]
        if len(lessons) < len(entries):
            _log.warning("%d of %d stored lessons could not be read", len(entries) - len(lessons), len(entries))
        for lesson in lessons:
            self._lessons.setdefault(lesson.key, lesson)
        while len(self._lessons) > MOST_LESSONS:
            self._drop_one()
        self._all = None

    def _drop_one(self) -> None:
        """Drop the oldest lesson of the namespace that has most, so that no tenant pushes out the others'."""
        (namespace, _), *_ = Counter(key[0] for key in self._lessons).most_common(1)
        del self._lessons[next(key for key in self._lessons if key[0] == namespace)]


def _entries(text: str) -> list[Any]:
    try:
        entries = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        _log.warning("the stored lessons are not JSON (%s); learning starts anew", error)
        return []
    return entries if isinstance(entries, list) else []


def _lesson(entry: object) -> Lesson | None:
    try:
        lesson = _LESSON.validate_python(entry)
    except ValidationError:
        return None
    # Promotion is what a ModelProfile says, nothing else.
    return replace(lesson, promoted=False, any_flags=False)
