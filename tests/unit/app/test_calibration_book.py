"""The book of calibrations: bounded, quiet about noise, and the same after it was stored and read."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from inferfleet.app.calibration.book import MOST_BYTES, MOST_LESSONS, CalibrationBook
from inferfleet.domain.calibration import Calibration
from tests.calibration_builders import QWEN_14B


def book() -> CalibrationBook:
    return CalibrationBook(now=lambda: datetime(2026, 11, 1, tzinfo=UTC))


def about(context: int, *, namespace: str = "team-a", **known: object) -> Calibration:
    setting = replace(QWEN_14B, namespace=namespace, engine=replace(QWEN_14B.engine, max_model_len=context))
    return setting.calibration(**({"kv_cache_gib": 11.06} | known))


def test_what_is_learnt_is_dated_and_found() -> None:
    calibrations = book()
    assert calibrations.learn(about(40960))
    (known,) = calibrations.all()
    assert known.learned_at == "2026-11-01T00:00:00Z"
    assert calibrations.get(about(40960).key) == known


def test_noise_changes_nothing_and_asks_for_no_write() -> None:
    calibrations = book()
    calibrations.learn(about(40960))
    before, calibrations.changed = calibrations.all(), False
    assert not calibrations.learn(about(40960, kv_cache_gib=11.08))
    assert calibrations.all() is before
    assert not calibrations.changed


def test_a_stored_book_reads_back_the_same() -> None:
    calibrations, again = book(), book()
    calibrations.learn(about(40960))
    calibrations.learn(about(32768, kv_cache_gib=None, out_of_memory="CUDA out of memory", longest_context=20000))
    calibrations.learn(about(40960, speed_scale=1.2, speed_samples=4))
    again.restore(calibrations.text())
    assert set(again.all()) == set(calibrations.all())
    assert not again.changed


def test_what_was_learnt_since_goes_before_what_was_stored() -> None:
    calibrations, old = book(), book()
    old.learn(about(40960, kv_cache_gib=5.0))
    calibrations.learn(about(40960))
    calibrations.restore(old.text())
    assert [calibration.kv_cache_gib for calibration in calibrations.all()] == [11.06]


def test_entries_that_cannot_be_read_are_skipped() -> None:
    calibrations, good = book(), book()
    good.learn(about(40960))
    (entry,) = json.loads(good.text())
    calibrations.restore(json.dumps([entry, {"namespace": 3}, "x", {**entry, "kv_cache_gib": "much"}]))
    assert len(calibrations) == 1


def test_a_text_that_is_no_book_starts_a_new_one() -> None:
    for text in ("", "{", "{}", "null", "7"):
        calibrations = book()
        calibrations.restore(text)
        assert calibrations.all() == ()


def test_nobody_promotes_a_lesson_by_editing_the_book() -> None:
    calibrations, stored = book(), book()
    stored.learn(about(40960))
    (entry,) = json.loads(stored.text())
    calibrations.restore(json.dumps([{**entry, "promoted": True, "any_flags": True}]))
    (calibration,) = calibrations.all()
    assert (calibration.promoted, calibration.any_flags) == (False, False)


def test_a_full_book_drops_the_oldest_of_the_namespace_that_has_most() -> None:
    calibrations = book()
    calibrations.learn(about(1, namespace="quiet"))
    for context in range(1, MOST_LESSONS + 10):
        calibrations.learn(about(context, namespace="busy"))
    assert len(calibrations) == MOST_LESSONS
    assert calibrations.get(about(1, namespace="quiet").key) is not None
    assert calibrations.get(about(1, namespace="busy").key) is None


def test_the_stored_text_stays_below_the_limit_of_a_config_map() -> None:
    calibrations = book()
    for context in range(1, MOST_LESSONS + 1):
        calibrations.learn(about(context, out_of_memory="x" * 4000))
    text = calibrations.text()
    assert len(text.encode()) <= MOST_BYTES
    assert json.loads(text)[-1]["engine"]["max_model_len"] == MOST_LESSONS
