"""Answering a case with the speed model, and with the two rules it is compared with.

In: a `Case`. Out: a `Prediction`, or None where a rule has no answer. The rules see exactly what the model sees.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.throughput.cases import Case
from inferfleet.api.enums import Confidence
from inferfleet.domain.memory import Fit, MemoryEstimate
from inferfleet.domain.traffic import Objectives
from inferfleet.engine import memory, throughput

GIGA = 1e9
UNLIMITED_TOKENS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Output rate of the replica, time per output token and, where the rule has them, times of the first token."""

    output_tokens_per_second: float
    time_per_output_token_ms: float
    confidence: Confidence
    time_to_first_token_ms: float | None = None
    prefill_ms: float | None = None


Predictor = Callable[[Case], Prediction]


def ours(case: Case) -> Prediction:
    """Answer with the product's own speed and memory models."""
    case, space = _with_memory(case)
    concurrency = case.concurrency or _offered_concurrency(case, space)
    point = throughput.at_concurrency(case.model, case.gpu, case.engine, space, case.traffic, concurrency=concurrency)
    offered = case.request_rate * case.traffic.output_tokens if case.request_rate else point.output_tokens_per_second
    return Prediction(
        output_tokens_per_second=min(point.output_tokens_per_second, offered),
        time_per_output_token_ms=point.time_per_output_token_ms,
        time_to_first_token_ms=point.time_to_first_token_ms,
        prefill_ms=point.prefill_ms,
        confidence=Confidence.LOW if case.doubtful or space.fit is not Fit.FITS else point.confidence,
    )


def bandwidth_rule(case: Case) -> Prediction:
    """Answer with the textbook rule, bandwidth / bytes of weights, for one sequence at a time and every one of a batch.

    Source: the usual roofline argument for batch 1 (bytes of all weights are read once per token).
    """
    layout = memory.weight_format(case.model, case.engine)
    costs = throughput.footprint(case.model, case.engine, layout)
    seconds = (costs.fixed_bytes + costs.expert_bytes) / (case.gpu.memory_bandwidth_gb_per_s * GIGA)
    users = case.concurrency or 1.0
    return Prediction(
        output_tokens_per_second=users / seconds,
        time_per_output_token_ms=seconds * 1e3,
        confidence=Confidence.LOW,
    )


def no_batching(case: Case) -> Prediction:
    """Answer as if requests were served one after the other, each at the textbook speed of 16-bit weights."""
    plain = replace(case.model, quantization=None, quantization_detail=None, weight_bytes=None)
    costs = throughput.footprint(plain, case.engine, memory.weight_format(plain, case.engine))
    seconds = (costs.fixed_bytes + costs.expert_bytes) / (case.gpu.memory_bandwidth_gb_per_s * GIGA)
    return Prediction(
        output_tokens_per_second=1 / seconds,
        time_per_output_token_ms=seconds * 1e3,
        confidence=Confidence.LOW,
    )


RULES: dict[str, Predictor] = {"bandwidth rule": bandwidth_rule, "no batching": no_batching}


def _with_memory(case: Case) -> tuple[Case, MemoryEstimate]:
    """Return the case with the GPUs it must have used, and its KV cache.

    Sweeps count expert parallelism beside tensor parallelism on the same GPUs (n_gpu 16 at tp 4 repeats the figures
    of 4 GPUs digit by digit), so tp is the size of a replica unless the weights only fit on all GPUs. A run that was
    measured did fit: where the memory model disagrees, its KV cache is taken as large and the answer as Low.
    """
    space = _memory(case)
    if space.fit is Fit.DOES_NOT_FIT and case.n_gpu > case.engine.tensor_parallel_size:
        case = replace(case, engine=replace(case.engine, tensor_parallel_size=case.n_gpu))
        space = _memory(case)
    if space.fit is Fit.DOES_NOT_FIT or space.kv_cache_tokens <= 0:
        space = replace(space, kv_cache_tokens=UNLIMITED_TOKENS)
    return case, space


def _memory(case: Case) -> MemoryEstimate:
    return memory.estimate(case.model, case.gpu, case.engine, interconnect=case.gpu.interconnect)


def _offered_concurrency(case: Case, space: MemoryEstimate) -> float:
    """Return the requests in flight at the offered rate, or at saturation when none was given or it is too high."""
    speed = throughput.estimate(
        case.model,
        case.gpu,
        case.engine,
        space,
        case.traffic,
        Objectives(time_per_output_token_ms=None, time_to_first_token_ms=None),
        headroom=0.0,
    )
    rate = case.request_rate
    if rate is None or rate >= speed.requests_per_second:
        return speed.concurrency
    low, high = 0.0, speed.concurrency
    for _ in range(30):
        middle = (low + high) / 2
        point = throughput.at_concurrency(
            case.model, case.gpu, case.engine, space, case.traffic, concurrency=middle or high
        )
        low, high = (middle, high) if point.requests_per_second < rate else (low, middle)
    return high
