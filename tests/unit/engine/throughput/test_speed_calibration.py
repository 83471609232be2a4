"""Calibrating the speed by counters: which windows count, which do not, and what a scale becomes."""

from dataclasses import replace
from typing import Any

import pytest

from inferfleet.api.enums import Confidence
from inferfleet.domain.calibration import SpeedCalibration, Unusable
from inferfleet.domain.refused import Refused
from inferfleet.engine.throughput import CounterSnapshot, Window, calibrate, window

# Ten requests run, each token takes 20 ms: 500 tokens a second.
START = CounterSnapshot(
    at_seconds=1000.0,
    generation_tokens=50_000,
    token_latency_sum=900.0,
    token_latency_count=45_000,
    running=10,
    waiting=0,
)


def after(
    seconds: float = 60.0, tokens_per_second: float = 500.0, token_seconds: float = 0.02, **changes: Any
) -> CounterSnapshot:
    tokens = tokens_per_second * seconds
    later = replace(
        START,
        at_seconds=START.at_seconds + seconds,
        generation_tokens=START.generation_tokens + tokens,
        token_latency_sum=START.token_latency_sum + tokens * token_seconds,
        token_latency_count=START.token_latency_count + tokens,
    )
    return replace(later, **changes)


def counted(first: CounterSnapshot, second: CounterSnapshot) -> Window:
    found = window(first, second)
    assert isinstance(found, Window), found
    return found


def refused(first: CounterSnapshot, second: CounterSnapshot) -> Refused[Unusable]:
    found = window(first, second)
    assert isinstance(found, Refused), found
    return found


def test_a_steady_minute_has_a_time_per_token() -> None:
    found = counted(START, after())
    assert found.token_seconds == pytest.approx(0.02)
    assert found.running == 10
    assert found.tokens_per_second == pytest.approx(500)


@pytest.mark.parametrize("seconds", [-60.0, 0.0, 5.0, 3600.0])
def test_a_window_of_the_wrong_length_is_refused(seconds: float) -> None:
    assert "window of" in refused(START, after(seconds)).message


def test_counters_that_went_backwards_mean_a_restart() -> None:
    assert "restarted" in refused(START, after(generation_tokens=10.0)).message


def test_a_queue_means_saturation_and_is_refused() -> None:
    assert "waiting" in refused(START, after(waiting=3.0)).message
    assert "waiting" in refused(replace(START, waiting=1.0), after()).message


def test_an_idle_engine_is_refused() -> None:
    assert "too little traffic" in refused(START, after(running=0.0)).message
    assert "too little traffic" in refused(START, after(tokens_per_second=1.0)).message


@pytest.mark.parametrize("changes", [{"running": float("nan")}, {"generation_tokens": float("inf")}])
def test_a_counter_that_is_not_finite_is_absurd(changes: dict[str, float]) -> None:
    assert refused(START, after(**changes)).reason is Unusable.ABSURD


def test_a_token_that_takes_minutes_is_absurd() -> None:
    assert refused(START, after(token_seconds=60.0)).reason is Unusable.ABSURD


def test_tokens_and_latencies_that_tell_different_stories_are_absurd() -> None:
    # Two tokens per streamed chunk: the histogram sees half of the intervals.
    found = refused(START, after(tokens_per_second=2000.0))
    assert found.reason is Unusable.ABSURD
    assert "imply" in found.message


def measured(token_seconds: float, ended_at: float = 1000.0) -> Window:
    return Window(running=10, token_seconds=token_seconds, tokens_per_second=500, ended_at_seconds=ended_at)


def calibrated(*windows: Window, now: float = 1000.0) -> SpeedCalibration | Refused[Unusable]:
    return calibrate(windows, lambda running: 0.01 * running / 10, now_seconds=now, max_age_seconds=600)


def test_the_scale_is_the_median_of_measured_over_predicted() -> None:
    found = calibrated(measured(0.011), measured(0.012), measured(0.5))
    assert isinstance(found, SpeedCalibration)
    assert found.scale == pytest.approx(1.2)
    assert (found.samples, found.confidence) == (3, Confidence.CALIBRATED)


def test_ten_windows_on_this_very_setting_are_a_measurement() -> None:
    found = calibrated(*[measured(0.011)] * 10)
    assert isinstance(found, SpeedCalibration)
    assert found.confidence is Confidence.MEASURED


@pytest.mark.parametrize(("token_seconds", "scale"), [(0.0001, 0.4), (1.0, 2.5)])
def test_an_extreme_ratio_is_clamped(token_seconds: float, scale: float) -> None:
    found = calibrated(measured(token_seconds))
    assert isinstance(found, SpeedCalibration)
    assert found.scale == scale


def test_old_windows_are_left_out() -> None:
    found = calibrated(measured(0.02, ended_at=100.0), measured(0.011))
    assert isinstance(found, SpeedCalibration)
    assert found.scale == pytest.approx(1.1)


def test_only_old_windows_are_stale() -> None:
    found = calibrated(measured(0.02, ended_at=100.0))
    assert isinstance(found, Refused)
    assert found.reason is Unusable.STALE


def test_windows_from_the_future_are_not_fresh() -> None:
    assert isinstance(calibrated(measured(0.02, ended_at=5000.0)), Refused)


def test_no_window_at_all_is_no_reading() -> None:
    found = calibrated()
    assert isinstance(found, Refused)
    assert found.message == "no reading yet"


def test_the_time_to_first_token_is_that_of_the_requests_of_the_window() -> None:
    first = replace(START, first_token_sum=100.0, first_token_count=400.0)
    found = counted(first, after(first_token_sum=130.0, first_token_count=500.0))
    assert found.first_token_seconds == pytest.approx(0.3)


@pytest.mark.parametrize(
    "counters",
    [
        {"first_token_sum": None, "first_token_count": None},
        {"first_token_sum": 130.0, "first_token_count": 400.0},
        {"first_token_sum": 90.0, "first_token_count": 500.0},
        {"first_token_sum": float("nan"), "first_token_count": 500.0},
    ],
)
def test_an_odd_time_to_first_token_is_none_and_the_rest_still_counts(counters: dict[str, Any]) -> None:
    first = replace(START, first_token_sum=100.0, first_token_count=400.0)
    found = counted(first, after(**counters))
    assert (found.first_token_seconds, found.running) == (None, 10)
