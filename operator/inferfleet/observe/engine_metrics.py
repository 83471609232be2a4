"""Reading an engine's /metrics text: the few counters that calibrate the speed model, and the size of the KV cache.

In: Prometheus exposition text of one vLLM process and the time it was read. Out: a `Reading`, whose parts are
`Refused` with the reason where they cannot be read. It fetches nothing and judges no window;
`inferfleet.engine.throughput` does the latter.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from inferfleet.domain.calibration import Unusable
from inferfleet.domain.memory import MIB
from inferfleet.domain.refused import Refused
from inferfleet.engine.throughput import CounterSnapshot

# Names of vLLM 0.33.0 (vllm/v1/metrics/loggers.py), then the one that older releases use for the same histogram.
TOKENS = "vllm:generation_tokens"
RUNNING = "vllm:num_requests_running"
WAITING = "vllm:num_requests_waiting"
TOKEN_LATENCY = ("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds")
FIRST_TOKEN = "vllm:time_to_first_token_seconds"  # noqa: S105 - tokens of text
CACHE = "vllm:cache_config_info"
LONGEST_TEXT = 4 * MIB
# Parsing takes about 20 us a line in the one thread that everybody shares; one engine has some ten lines of these.
MOST_LINES = 1000
# Samples, by the names that they have in the text and in Prometheus.
NAMES = (
    f"{TOKENS}_total",
    RUNNING,
    WAITING,
    CACHE,
    *(f"{name}_{part}" for name in (*TOKEN_LATENCY, FIRST_TOKEN) for part in ("sum", "count")),
)
_FAMILIES = (TOKENS, RUNNING, WAITING, CACHE, FIRST_TOKEN, *TOKEN_LATENCY)
_LINES = tuple(f"{start}{name}" for name in _FAMILIES for start in ("", "# TYPE "))


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheFacts:
    """KV cache of one GPU: so many blocks of so many tokens. Of several engines in a pod the smallest."""

    blocks: int
    block_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one look at an engine's metrics found."""

    counters: CounterSnapshot | Refused[Unusable]
    cache: CacheFacts | Refused[Unusable]


@dataclass(slots=True, kw_only=True)
class Samples:
    """The samples that matter, added up: `sums` by sample name, `caches` the labels of each cache."""

    sums: dict[str, float] = field(default_factory=dict)
    caches: list[Mapping[str, str]] = field(default_factory=list)

    def add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """Take in one sample."""
        if name == CACHE:
            self.caches.append(labels)
        else:
            self.sums[name] = self.sums.get(name, 0.0) + value

    def reading(self, *, at_seconds: float) -> Reading:
        """Return counters and cache."""
        return Reading(counters=_snapshot(self.sums, at_seconds), cache=_cache(self.caches))


def read_metrics(text: str, *, at_seconds: float) -> Reading:
    """Return counters summed over the engines of one pod, and its cache; a malformed text rejects both."""
    if len(text) > LONGEST_TEXT:
        return _refused(f"metrics of {len(text)} characters; at most {LONGEST_TEXT} are read")
    lines = text.splitlines()
    ours = [line for line in lines if line.startswith(_LINES) and "_bucket{" not in line]
    if len(ours) > MOST_LINES:
        message = f"{len(ours)} lines about one engine; at most {MOST_LINES} are read"
        return _refused(message, reason=Unusable.ABSURD)
    samples = Samples()
    try:
        # Without a line of ours the first few tell whether these are metrics at all.
        _collect(samples, text_string_to_metric_families("\n".join(ours or lines[:20]) + "\n"))
    except ValueError as error:
        return _refused(f"metrics are not in Prometheus text format: {error}")
    return samples.reading(at_seconds=at_seconds)


def _refused(message: str, *, reason: Unusable = Unusable.OTHER) -> Reading:
    return Reading(counters=Refused(reason, message), cache=Refused(reason, message))


def _snapshot(sums: Mapping[str, float], at_seconds: float) -> CounterSnapshot | Refused[Unusable]:
    latency = next((name for name in TOKEN_LATENCY if f"{name}_count" in sums), TOKEN_LATENCY[0])
    needed = (f"{TOKENS}_total", f"{latency}_sum", f"{latency}_count", RUNNING, WAITING)
    missing = [name for name in needed if name not in sums]
    if missing:
        return Refused(Unusable.OTHER, f"metrics without {', '.join(missing)}")
    absurd = [name for name in needed if not (math.isfinite(sums[name]) and sums[name] >= 0)]
    if absurd:
        return Refused(Unusable.ABSURD, f"{absurd[0]} is {sums[absurd[0]]}")
    tokens, latency_sum, latency_count, running, waiting = (sums[name] for name in needed)
    return CounterSnapshot(
        at_seconds=at_seconds,
        generation_tokens=tokens,
        token_latency_sum=latency_sum,
        token_latency_count=latency_count,
        running=running,
        waiting=waiting,
        first_token_sum=sums.get(f"{FIRST_TOKEN}_sum"),
        first_token_count=sums.get(f"{FIRST_TOKEN}_count"),
    )


def _cache(found: Iterable[Mapping[str, str]]) -> CacheFacts | Refused[Unusable]:
    """`num_gpu_blocks` is "None" until the cache exists (vLLM vllm/config/cache.py)."""
    sizes = [(labels.get("num_gpu_blocks", ""), labels.get("block_size", "")) for labels in found]
    if not sizes:
        return Refused(Unusable.OTHER, f"metrics without {CACHE}")
    unreadable = next((pair for pair in sizes if not all(text.isdecimal() for text in pair)), None)
    if unreadable is not None:
        return Refused(Unusable.OTHER, f"{CACHE} says {unreadable[0]!r} blocks of {unreadable[1]!r} tokens")
    blocks, size = min((int(blocks), int(size)) for blocks, size in sizes)
    return CacheFacts(blocks=blocks, block_size=size)


def _collect(samples: Samples, families: Iterable[Metric]) -> None:
    """By the samples' names: what a family of counters is called depends on the version of the text format."""
    for family in families:
        for sample in family.samples:
            if sample.name in NAMES:
                samples.add(sample.name, sample.labels, sample.value)
