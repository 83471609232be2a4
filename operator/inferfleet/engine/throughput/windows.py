"""Windows of an engine's counters become one scale for the speed model.

In: pairs of counter snapshots of one engine, and what the model predicts for the load they show. Out: a
`SpeedCalibration`, or why there is none. Pure: reading metrics, clocks and storage are the caller's.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from statistics import median

from inferfleet.api.enums import Confidence
from inferfleet.domain.calibration import SpeedCalibration, Unusable
from inferfleet.domain.refused import Refused

# Measured / predicted time per token beyond these is taken as a wrong reading or another engine, and clamped.
SMALLEST_SCALE = 0.4
LARGEST_SCALE = 2.5
# One window must be long enough for the histograms to mean something and short enough to be one load.
SHORTEST_WINDOW_SECONDS = 20.0
LONGEST_WINDOW_SECONDS = 900.0
_WINDOW_TEXT = f"{SHORTEST_WINDOW_SECONDS:.0f} to {LONGEST_WINDOW_SECONDS:.0f} s"
FEWEST_RUNNING = 1.0
FEWEST_TOKENS = 200.0
# Tokens counted and tokens timed must tell the same story: speculative decoding and double counting break it.
LARGEST_DISAGREEMENT = 0.5
# One window moves the curve (`Calibrated`); this many windows on this very setting are a measurement (`Measured`).
MEASURED_SAMPLES = 10
FASTEST_TOKEN_SECONDS = 2e-4
SLOWEST_TOKEN_SECONDS = 5.0
# No objective is longer (api: timeToFirstTokenMilliseconds, at most an hour).
SLOWEST_FIRST_TOKEN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterSnapshot:
    """vLLM's own counters at one moment, summed over the engine's processes.

    `generation_tokens`, `token_latency_sum` (seconds) and `token_latency_count` only grow while the process lives
    (vllm:generation_tokens, vllm:inter_token_latency_seconds). `running` and `waiting` are gauges. `first_token_sum`
    (seconds) and `first_token_count` are of vllm:time_to_first_token_seconds, None where the engine has none.
    """

    at_seconds: float
    generation_tokens: float
    token_latency_sum: float
    token_latency_count: float
    running: float
    waiting: float
    first_token_sum: float | None = None
    first_token_count: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What one engine did between two snapshots: mean running requests and mean seconds per output token.

    `first_token_seconds` is the mean time to first token of the requests that got theirs meanwhile, None without any.
    """

    running: float
    token_seconds: float
    tokens_per_second: float
    ended_at_seconds: float
    first_token_seconds: float | None = None


def window(first: CounterSnapshot, second: CounterSnapshot) -> Window | Refused[Unusable]:
    """Turn two snapshots of one engine into a window, or say why they make none."""
    elapsed = second.at_seconds - first.at_seconds
    tokens = second.generation_tokens - first.generation_tokens
    timed = second.token_latency_count - first.token_latency_count
    latency = second.token_latency_sum - first.token_latency_sum
    if not all(map(math.isfinite, (elapsed, tokens, timed, latency, first.running, second.running, second.waiting))):
        return Refused(Unusable.ABSURD, "a counter is not a finite number")
    if not SHORTEST_WINDOW_SECONDS <= elapsed <= LONGEST_WINDOW_SECONDS:
        return Refused(Unusable.OTHER, f"window of {elapsed:.0f} s; used are {_WINDOW_TEXT}")
    if min(tokens, timed, latency) < 0:
        return Refused(Unusable.OTHER, "a counter went backwards: the engine restarted")
    waiting = max(first.waiting, second.waiting)
    if waiting > 0:
        return Refused(Unusable.OTHER, f"{waiting:.0f} requests were waiting: the engine is saturated")
    running = (first.running + second.running) / 2
    if min(first.running, second.running) < FEWEST_RUNNING or tokens < FEWEST_TOKENS or timed <= 0:
        traffic = f"{running:.1f} running, {tokens:.0f} tokens in {elapsed:.0f} s"
        return Refused(Unusable.OTHER, f"too little traffic: {traffic}")
    found = _judged(running, latency / timed, tokens / elapsed, second.at_seconds)
    return found if isinstance(found, Refused) else replace(found, first_token_seconds=_first_token(first, second))


def _first_token(first: CounterSnapshot, second: CounterSnapshot) -> float | None:
    """Mean seconds to the first token between two snapshots; an odd figure is no figure, the rest still counts."""
    counters = (first.first_token_sum, first.first_token_count, second.first_token_sum, second.first_token_count)
    if not all(counter is not None and math.isfinite(counter) for counter in counters):
        return None
    sum_before, count_before, sum_after, count_after = (counter or 0.0 for counter in counters)
    seconds, count = sum_after - sum_before, count_after - count_before
    return seconds / count if count > 0 and 0 <= seconds / count <= SLOWEST_FIRST_TOKEN_SECONDS else None


def _judged(
    running: float, token_seconds: float, tokens_per_second: float, at_seconds: float
) -> Window | Refused[Unusable]:
    if not FASTEST_TOKEN_SECONDS <= token_seconds <= SLOWEST_TOKEN_SECONDS:
        return Refused(Unusable.ABSURD, f"{token_seconds * 1e3:.3f} ms per output token")
    implied = tokens_per_second * token_seconds
    if abs(implied / running - 1) > LARGEST_DISAGREEMENT:
        said = f"the engine says {running:.1f}"
        return Refused(Unusable.ABSURD, f"tokens and latencies imply {implied:.1f} running requests, {said}")
    return Window(
        running=running,
        token_seconds=token_seconds,
        tokens_per_second=tokens_per_second,
        ended_at_seconds=at_seconds,
    )


def calibrate(
    windows: Iterable[Window],
    predicted_token_seconds: Callable[[float], float],
    *,
    now_seconds: float,
    max_age_seconds: float,
) -> SpeedCalibration | Refused[Unusable]:
    """Return the median of measured / predicted time per token over the windows that are fresh enough.

    `predicted_token_seconds(running)` is the uncalibrated model at that many running requests. The scale is clamped
    to 0.4 to 2.5 (throughput notes section 5). Fewer than 10 windows give `Calibrated`, more `Measured`.
    """
    given = tuple(windows)
    fresh = [item for item in given if 0 <= now_seconds - item.ended_at_seconds <= max_age_seconds]
    if not given:
        return Refused(Unusable.OTHER, "no reading yet")
    if not fresh:
        return Refused(Unusable.STALE, f"nothing newer than {max_age_seconds:.0f} s")
    first_tokens = [item.first_token_seconds for item in fresh if item.first_token_seconds is not None]
    ratio = median(item.token_seconds / predicted_token_seconds(item.running) for item in fresh)
    return SpeedCalibration(
        scale=min(max(ratio, SMALLEST_SCALE), LARGEST_SCALE),
        confidence=Confidence.MEASURED if len(fresh) >= MEASURED_SAMPLES else Confidence.CALIBRATED,
        samples=len(fresh),
        first_token_seconds=median(first_tokens) if first_tokens else None,
    )
