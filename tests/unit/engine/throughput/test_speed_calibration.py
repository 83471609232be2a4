"""Learning from counters: which windows teach, which do not, and what a scale becomes."""

from dataclasses import replace
from typing import Any

import pytest

from inferfleet.api.enums import Confidence
from inferfleet.engine.throughput import CounterSnapshot, Rejected, SpeedCalibration, Window, calibrate, window

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


def taught(first: CounterSnapshot, second: CounterSnapshot) -> Window:
    found = window(first, second)
    assert isinstance(found, Window), found
    return found


def refused(first: CounterSnapshot, second: CounterSnapshot) -> str:
    found = window(first, second)
    assert isinstance(found, Rejected), found
    return found.reason


def test_a_steady_minute_teaches_the_time_per_token() -> None:
    found = taught(START, after())
    assert found.token_seconds == pytest.approx(0.02)
    assert found.running == 10
    assert found.tokens_per_second == pytest.approx(500)


@pytest.mark.parametrize("seconds", [-60.0, 0.0, 5.0, 3600.0])
def test_a_window_of_the_wrong_length_is_refused(seconds: float) -> None:
    assert "window of" in refused(START, after(seconds))


def test_counters_that_went_backwards_mean_a_restart() -> None:
    assert "restarted" in refused(START, after(generation_tokens=10.0))


def test_a_queue_means_saturation_and_teaches_nothing() -> None:
    assert "waiting" in refused(START, after(waiting=3.0))
    assert "waiting" in refused(replace(START, waiting=1.0), after())


def test_an_idle_engine_teaches_nothing() -> None:
    assert "too little traffic" in refused(START, after(running=0.0))
    assert "too little traffic" in refused(START, after(tokens_per_second=1.0))


@pytest.mark.parametrize("changes", [{"running": float("nan")}, {"generation_tokens": float("inf")}])
def test_a_counter_that_is_not_finite_is_absurd(changes: dict[str, float]) -> None:
    assert "absurd" in refused(START, after(**changes))


def test_a_token_that_takes_minutes_is_absurd() -> None:
    assert "absurd" in refused(START, after(token_seconds=60.0))


def test_tokens_and_latencies_that_tell_different_stories_are_absurd() -> None:
    # Two tokens per streamed chunk: the histogram sees half of the intervals.
    assert "imply" in refused(START, after(tokens_per_second=2000.0))


def measured(token_seconds: float, ended_at: float = 1000.0) -> Window:
    return Window(running=10, token_seconds=token_seconds, tokens_per_second=500, ended_at_seconds=ended_at)


def learn(*windows: Window, now: float = 1000.0) -> SpeedCalibration | Rejected:
    return calibrate(windows, lambda running: 0.01 * running / 10, now_seconds=now, max_age_seconds=600)


def test_the_scale_is_the_median_of_measured_over_predicted() -> None:
    found = learn(measured(0.011), measured(0.012), measured(0.5))
    assert isinstance(found, SpeedCalibration)
    assert found.scale == pytest.approx(1.2)
    assert (found.samples, found.confidence) == (3, Confidence.CALIBRATED)


def test_ten_windows_on_this_very_setting_are_a_measurement() -> None:
    found = learn(*[measured(0.011)] * 10)
    assert isinstance(found, SpeedCalibration)
    assert found.confidence is Confidence.MEASURED


@pytest.mark.parametrize(("token_seconds", "scale"), [(0.0001, 0.4), (1.0, 2.5)])
def test_an_extreme_ratio_is_clamped(token_seconds: float, scale: float) -> None:
    found = learn(measured(token_seconds))
    assert isinstance(found, SpeedCalibration)
    assert found.scale == scale


def test_old_windows_are_left_out() -> None:
    found = learn(measured(0.02, ended_at=100.0), measured(0.011))
    assert isinstance(found, SpeedCalibration)
    assert found.scale == pytest.approx(1.1)


def test_only_old_windows_are_stale() -> None:
    found = learn(measured(0.02, ended_at=100.0))
    assert isinstance(found, Rejected)
    assert "stale" in found.reason


def test_windows_from_the_future_are_not_fresh() -> None:
    assert isinstance(learn(measured(0.02, ended_at=5000.0)), Rejected)


def test_no_window_at_all_is_no_reading() -> None:
    found = learn()
    assert isinstance(found, Rejected)
    assert found.reason == "no reading yet"


def test_the_time_to_first_token_is_that_of_the_requests_of_the_window() -> None:
    first = replace(START, first_token_sum=100.0, first_token_count=400.0)
    found = taught(first, after(first_token_sum=130.0, first_token_count=500.0))
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
    found = taught(first, after(**counters))
    assert (found.first_token_seconds, found.running) == (None, 10)
