"""The book of lessons: bounded, quiet about noise, and the same after it was stored and read."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from inferfleet.app.learning.book import MOST_BYTES, MOST_LESSONS, LessonBook
from inferfleet.domain.lesson import Lesson
from tests.lesson_builders import QWEN_14B


def book() -> LessonBook:
    return LessonBook(now=lambda: datetime(2026, 11, 1, tzinfo=UTC))


def about(context: int, *, namespace: str = "team-a", **known: object) -> Lesson:
    setting = replace(QWEN_14B, namespace=namespace, engine=replace(QWEN_14B.engine, max_model_len=context))
    return setting.lesson(**({"kv_cache_gib": 11.06} | known))


def test_what_is_learnt_is_dated_and_found() -> None:
    lessons = book()
    assert lessons.learn(about(40960))
    (known,) = lessons.all()
    assert known.learned_at == "2026-11-01T00:00:00Z"
    assert lessons.get(about(40960).key) == known


def test_noise_changes_nothing_and_asks_for_no_write() -> None:
    lessons = book()
    lessons.learn(about(40960))
    before, lessons.changed = lessons.all(), False
    assert not lessons.learn(about(40960, kv_cache_gib=11.08))
    assert lessons.all() is before
    assert not lessons.changed


def test_a_stored_book_reads_back_the_same() -> None:
    lessons, again = book(), book()
    lessons.learn(about(40960))
    lessons.learn(about(32768, kv_cache_gib=None, out_of_memory="CUDA out of memory", longest_context=20000))
    lessons.learn(about(40960, speed_scale=1.2, speed_samples=4))
    again.restore(lessons.text())
    assert set(again.all()) == set(lessons.all())
    assert not again.changed


def test_what_was_learnt_since_goes_before_what_was_stored() -> None:
    lessons, old = book(), book()
    old.learn(about(40960, kv_cache_gib=5.0))
    lessons.learn(about(40960))
    lessons.restore(old.text())
    assert [lesson.kv_cache_gib for lesson in lessons.all()] == [11.06]


def test_entries_that_cannot_be_read_are_skipped() -> None:
    lessons, good = book(), book()
    good.learn(about(40960))
    (entry,) = json.loads(good.text())
    lessons.restore(json.dumps([entry, {"namespace": 3}, "x", {**entry, "kv_cache_gib": "much"}]))
    assert len(lessons) == 1


def test_a_text_that_is_no_book_starts_a_new_one() -> None:
    for text in ("", "{", "{}", "null", "7"):
        lessons = book()
        lessons.restore(text)
        assert lessons.all() == ()


def test_nobody_promotes_a_lesson_by_editing_the_book() -> None:
    lessons, stored = book(), book()
    stored.learn(about(40960))
    (entry,) = json.loads(stored.text())
    lessons.restore(json.dumps([{**entry, "promoted": True, "any_flags": True}]))
    (lesson,) = lessons.all()
    assert (lesson.promoted, lesson.any_flags) == (False, False)


def test_a_full_book_drops_the_oldest_of_the_namespace_that_has_most() -> None:
    lessons = book()
    lessons.learn(about(1, namespace="quiet"))
    for context in range(1, MOST_LESSONS + 10):
        lessons.learn(about(context, namespace="busy"))
    assert len(lessons) == MOST_LESSONS
    assert lessons.get(about(1, namespace="quiet").key) is not None
    assert lessons.get(about(1, namespace="busy").key) is None


def test_the_stored_text_stays_below_the_limit_of_a_config_map() -> None:
    lessons = book()
    for context in range(1, MOST_LESSONS + 1):
        lessons.learn(about(context, out_of_memory="x" * 4000))
    text = lessons.text()
    assert len(text.encode()) <= MOST_BYTES
    assert json.loads(text)[-1]["engine"]["max_model_len"] == MOST_LESSONS
