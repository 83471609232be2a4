"""The book of calibrations: bounded, quiet about noise, and the same after it was stored and read."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from inferfleet.app.calibration.book import MOST_BYTES, MOST_CALIBRATIONS, CalibrationBook
from inferfleet.domain.calibration import Calibration
from tests.calibration_builders import QWEN_14B


def book() -> CalibrationBook:
    return CalibrationBook(now=lambda: datetime(2026, 11, 1, tzinfo=UTC))


def about(context: int, *, namespace: str = "team-a", **known: object) -> Calibration:
    setting = replace(QWEN_14B, namespace=namespace, engine=replace(QWEN_14B.engine, max_model_len=context))
    return setting.calibration(**({"kv_cache_gib": 11.06} | known))


def test_what_is_added_is_dated_and_found() -> None:
    kept = book()
    assert kept.add(about(40960))
    (known,) = kept.all()
    assert known.learned_at == "2026-11-01T00:00:00Z"
    assert kept.get(about(40960).key) == known


def test_noise_changes_nothing_and_asks_for_no_write() -> None:
    kept = book()
    kept.add(about(40960))
    before, kept.changed = kept.all(), False
    assert not kept.add(about(40960, kv_cache_gib=11.08))
    assert kept.all() is before
    assert not kept.changed


def test_a_stored_book_reads_back_the_same() -> None:
    kept, again = book(), book()
    kept.add(about(40960))
    kept.add(about(32768, kv_cache_gib=None, out_of_memory="CUDA out of memory", longest_context=20000))
    kept.add(about(40960, speed_scale=1.2, speed_samples=4))
    again.restore(kept.text())
    assert set(again.all()) == set(kept.all())
    assert not again.changed


def test_what_was_added_since_goes_before_what_was_stored() -> None:
    kept, old = book(), book()
    old.add(about(40960, kv_cache_gib=5.0))
    kept.add(about(40960))
    kept.restore(old.text())
    assert [calibration.kv_cache_gib for calibration in kept.all()] == [11.06]


def test_entries_that_cannot_be_read_are_skipped() -> None:
    kept, good = book(), book()
    good.add(about(40960))
    (entry,) = json.loads(good.text())
    kept.restore(json.dumps([entry, {"namespace": 3}, "x", {**entry, "kv_cache_gib": "much"}]))
    assert len(kept) == 1


def test_a_text_that_is_no_book_starts_a_new_one() -> None:
    for text in ("", "{", "{}", "null", "7"):
        kept = book()
        kept.restore(text)
        assert kept.all() == ()


def test_nobody_promotes_a_calibration_by_editing_the_book() -> None:
    kept, stored = book(), book()
    stored.add(about(40960))
    (entry,) = json.loads(stored.text())
    kept.restore(json.dumps([{**entry, "promoted": True, "any_flags": True}]))
    (calibration,) = kept.all()
    assert (calibration.promoted, calibration.any_flags) == (False, False)


def test_a_full_book_drops_the_oldest_of_the_namespace_that_has_most() -> None:
    kept = book()
    kept.add(about(1, namespace="quiet"))
    for context in range(1, MOST_CALIBRATIONS + 10):
        kept.add(about(context, namespace="busy"))
    assert len(kept) == MOST_CALIBRATIONS
    assert kept.get(about(1, namespace="quiet").key) is not None
    assert kept.get(about(1, namespace="busy").key) is None


def test_the_stored_text_stays_below_the_limit_of_a_config_map() -> None:
    kept = book()
    for context in range(1, MOST_CALIBRATIONS + 1):
        kept.add(about(context, out_of_memory="x" * 4000))
    text = kept.text()
    assert len(text.encode()) <= MOST_BYTES
    assert json.loads(text)[-1]["engine"]["max_model_len"] == MOST_CALIBRATIONS
