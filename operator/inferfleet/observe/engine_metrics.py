"""Reading an engine's /metrics text: the few counters that teach the speed model.

In: Prometheus exposition text of one vLLM process and the time it was read. Out: a `CounterSnapshot`, or `Rejected`
with the reason. It fetches nothing and judges no window; `inferfleet.plan.throughput` does the latter.
"""

import math
from collections.abc import Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from inferfleet.plan.throughput import CounterSnapshot, Rejected

# Names of vLLM 0.33.0 (vllm/v1/metrics/loggers.py), then the one that older releases use for the same histogram.
TOKENS = "vllm:generation_tokens"
RUNNING = "vllm:num_requests_running"
WAITING = "vllm:num_requests_waiting"
TOKEN_LATENCY = ("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds")
LONGEST_TEXT = 4 * 1024 * 1024


def read_snapshot(text: str, *, at_seconds: float) -> CounterSnapshot | Rejected:
    """Return the counters summed over the engines of one pod; missing or unreadable ones reject the whole text."""
    if len(text) > LONGEST_TEXT:
        return Rejected(reason=f"metrics of {len(text)} characters; at most {LONGEST_TEXT} are read")
    try:
        sums = _sums(text_string_to_metric_families(text))
    except ValueError as error:
        return Rejected(reason=f"metrics are not in Prometheus text format: {error}")
    latency = next((name for name in TOKEN_LATENCY if f"{name}_count" in sums), TOKEN_LATENCY[0])
    needed = (f"{TOKENS}_total", f"{latency}_sum", f"{latency}_count", RUNNING, WAITING)
    missing = [name for name in needed if name not in sums]
    if missing:
        return Rejected(reason=f"metrics without {', '.join(missing)}")
    absurd = [name for name in needed if not (math.isfinite(sums[name]) and sums[name] >= 0)]
    if absurd:
        return Rejected(reason=f"absurd: {absurd[0]} is {sums[absurd[0]]}")
    tokens, latency_sum, latency_count, running, waiting = (sums[name] for name in needed)
    return CounterSnapshot(
        at_seconds=at_seconds,
        generation_tokens=tokens,
        token_latency_sum=latency_sum,
        token_latency_count=latency_count,
        running=running,
        waiting=waiting,
    )


def _sums(families: Iterable[Metric]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for name, value in _wanted(families):
        sums[name] = sums.get(name, 0.0) + value
    return sums


def _wanted(families: Iterable[Metric]) -> Iterator[tuple[str, float]]:
    for family in families:
        if family.name in {TOKENS, RUNNING, WAITING, *TOKEN_LATENCY}:
            for sample in family.samples:
                yield sample.name, sample.value
