"""Learning from a running engine: counter windows in, one scale for the speed model or a reason to learn nothing out.

In: pairs of counter snapshots of one engine and what the model predicts for the load they show. Out:
`SpeedCalibration` or `Rejected`. Pure: reading metrics, clocks and storage are the caller's. A stale or absurd
reading changes nothing and says so.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from statistics import median

from inferfleet.api.enums import Confidence

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Why a reading taught nothing."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedCalibration:
    """Live correction of the speed model for one (model, GPU type, tensor parallel size, engine, flags).

    `scale` multiplies every predicted time (above 1: slower than predicted). `observed_token_seconds` is the median
    over the windows, `observed_running` the concurrency it was seen at, `last_seen_seconds` the end of the newest
    window. `observed_first_token_seconds` is the median of the windows' means, None where none had one.
    """

    scale: float
    confidence: Confidence
    samples: int
    observed_token_seconds: float
    observed_running: float
    last_seen_seconds: float
    observed_first_token_seconds: float | None = None


def window(first: CounterSnapshot, second: CounterSnapshot) -> Window | Rejected:
    """Turn two snapshots of one engine into a window, or say why they teach nothing."""
    elapsed = second.at_seconds - first.at_seconds
    tokens = second.generation_tokens - first.generation_tokens
    timed = second.token_latency_count - first.token_latency_count
    latency = second.token_latency_sum - first.token_latency_sum
    if not all(map(math.isfinite, (elapsed, tokens, timed, latency, first.running, second.running, second.waiting))):
        return Rejected(reason="absurd: a counter is not a finite number")
    if not SHORTEST_WINDOW_SECONDS <= elapsed <= LONGEST_WINDOW_SECONDS:
        return Rejected(reason=f"window of {elapsed:.0f} s; used are {_WINDOW_TEXT}")
    if min(tokens, timed, latency) < 0:
        return Rejected(reason="a counter went backwards: the engine restarted")
    if max(first.waiting, second.waiting) > 0:
        return Rejected(
            reason=f"{max(first.waiting, second.waiting):.0f} requests were waiting: the engine is saturated"
        )
    running = (first.running + second.running) / 2
    if min(first.running, second.running) < FEWEST_RUNNING or tokens < FEWEST_TOKENS or timed <= 0:
        return Rejected(reason=f"too little traffic: {running:.1f} running, {tokens:.0f} tokens in {elapsed:.0f} s")
    found = _judged(running, latency / timed, tokens / elapsed, second.at_seconds)
    return found if isinstance(found, Rejected) else replace(found, first_token_seconds=_first_token(first, second))


def _first_token(first: CounterSnapshot, second: CounterSnapshot) -> float | None:
    """Mean seconds to the first token between two snapshots; an odd figure is no figure, the rest still counts."""
    counters = (first.first_token_sum, first.first_token_count, second.first_token_sum, second.first_token_count)
    if not all(counter is not None and math.isfinite(counter) for counter in counters):
        return None
    sum_before, count_before, sum_after, count_after = (counter or 0.0 for counter in counters)
    seconds, count = sum_after - sum_before, count_after - count_before
    return seconds / count if count > 0 and 0 <= seconds / count <= SLOWEST_FIRST_TOKEN_SECONDS else None


def _judged(running: float, token_seconds: float, tokens_per_second: float, at_seconds: float) -> Window | Rejected:
    if not FASTEST_TOKEN_SECONDS <= token_seconds <= SLOWEST_TOKEN_SECONDS:
        return Rejected(reason=f"absurd: {token_seconds * 1e3:.3f} ms per output token")
    implied = tokens_per_second * token_seconds
    if abs(implied / running - 1) > LARGEST_DISAGREEMENT:
        return Rejected(
            reason=f"absurd: tokens and latencies imply {implied:.1f} running requests, the engine says {running:.1f}"
        )
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
) -> SpeedCalibration | Rejected:
    """Return the median of measured / predicted time per token over the windows that are fresh enough.

    `predicted_token_seconds(running)` is the uncalibrated model at that many running requests. The scale is clamped
    to 0.4 to 2.5 (throughput notes section 5). Fewer than 10 windows give `Calibrated`, more `Measured`.
    """
    seen = sorted(windows, key=lambda item: item.ended_at_seconds)
    fresh = [item for item in seen if 0 <= now_seconds - item.ended_at_seconds <= max_age_seconds]
    if not fresh:
        return Rejected(reason="no reading yet" if not seen else f"stale: nothing newer than {max_age_seconds:.0f} s")
    first_tokens = [item.first_token_seconds for item in fresh if item.first_token_seconds is not None]
    ratio = median(item.token_seconds / predicted_token_seconds(item.running) for item in fresh)
    return SpeedCalibration(
        scale=min(max(ratio, SMALLEST_SCALE), LARGEST_SCALE),
        confidence=Confidence.MEASURED if len(fresh) >= MEASURED_SAMPLES else Confidence.CALIBRATED,
        samples=len(fresh),
        observed_token_seconds=median(item.token_seconds for item in fresh),
        observed_running=median(item.running for item in fresh),
        last_seen_seconds=fresh[-1].ended_at_seconds,
        observed_first_token_seconds=median(first_tokens) if first_tokens else None,
    )
