"""Questions around one estimate: how long, how many, how few GPUs, and what would make it fit.

In: what `estimate` takes. Out: numbers and `Remedy` values, each proved by an estimate of its own. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from inferfleet.api.enums import Interconnect
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.memory import Fit, MemoryEstimate
from inferfleet.domain.model import Model
from inferfleet.engine.memory.divisibility import tensor_parallel_problem
from inferfleet.engine.memory.estimate import estimate

SIZES = (1, 2, 4, 8, 16)
CONTEXT_STEP = 16  # a block: contexts between two multiples need the same memory
FEWEST_SEQUENCES = 16
SHORTEST_USEFUL_CONTEXT = 1024


class Change(StrEnum):
    """What a remedy changes."""

    FP8_WEIGHTS = "fp8 weights"
    FP8_CACHE = "fp8 KV cache"
    SHORTER_CONTEXT = "shorter context"
    FEWER_SEQUENCES = "fewer sequences"
    MORE_GPUS = "more GPUs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One change that makes it fit, with the settings to use and what they leave."""

    change: Change
    engine: EngineSettings
    estimate: MemoryEstimate
    message: str


def longest_context(model: Model, gpu: GPU, engine: EngineSettings, *, interconnect: Interconnect | None = None) -> int:
    """Return the longest max_model_len in tokens that fits with certainty (outside the band), 0 when none does."""
    low, high = 0, model.max_position_embeddings // CONTEXT_STEP
    while low < high:
        middle = (low + high + 1) // 2
        tried = replace(engine, max_model_len=middle * CONTEXT_STEP)
        if _fits(estimate(model, gpu, tried, interconnect=interconnect)):
            low = middle
        else:
            high = middle - 1
    return low * CONTEXT_STEP


def smallest_tensor_parallel_size(
    model: Model,
    gpu: GPU,
    engine: EngineSettings,
    *,
    largest: int = SIZES[-1],
    interconnect: Interconnect | None = None,
) -> int | None:
    """Return the fewest GPUs of one replica that fit with certainty and divide the model, None beyond `largest`."""
    for size in SIZES:
        if size > largest:
            return None
        if tensor_parallel_problem(model, size) is None and _fits(
            estimate(model, gpu, replace(engine, tensor_parallel_size=size), interconnect=interconnect)
        ):
            return size
    return None


def remedies(
    model: Model,
    gpu: GPU,
    engine: EngineSettings,
    *,
    largest_tensor_parallel_size: int = SIZES[-1],
    interconnect: Interconnect | None = None,
) -> tuple[Remedy, ...]:
    """Return every single change that would make it fit, the least intrusive first; empty when it fits already."""
    if _fits(estimate(model, gpu, engine, interconnect=interconnect)):
        return ()
    found: list[Remedy] = []
    for change, changed, message in _changes(model, gpu, engine, largest_tensor_parallel_size, interconnect):
        answer = estimate(model, gpu, changed, interconnect=interconnect)
        if _fits(answer):
            room = f"leaves {answer.margin_gib:.1f} GiB more than one request of {changed.max_model_len} tokens needs"
            found.append(Remedy(change=change, engine=changed, estimate=answer, message=f"{message}: {room}"))
    return tuple(found)


def _fits(answer: MemoryEstimate) -> bool:
    return answer.fit is Fit.FITS


def _changes(
    model: Model, gpu: GPU, engine: EngineSettings, largest: int, interconnect: Interconnect | None
) -> Iterator[tuple[Change, EngineSettings, str]]:
    sequences = engine.max_num_seqs // 2
    while sequences >= FEWEST_SEQUENCES:
        fewer = replace(engine, max_num_seqs=sequences)
        if _fits(estimate(model, gpu, fewer, interconnect=interconnect)):
            yield Change.FEWER_SEQUENCES, fewer, f"max_num_seqs {sequences} instead of {engine.max_num_seqs}"
            break
        sequences //= 2
    if (tokens := longest_context(model, gpu, engine, interconnect=interconnect)) >= SHORTEST_USEFUL_CONTEXT:
        yield (
            Change.SHORTER_CONTEXT,
            replace(engine, max_model_len=tokens),
            f"max_model_len {tokens} instead of {engine.max_model_len}",
        )
    if engine.kv_cache_dtype == "auto":
        yield Change.FP8_CACHE, replace(engine, kv_cache_dtype="fp8"), "kv_cache_dtype fp8"
    if engine.quantization is None and model.quantization is None:
        yield Change.FP8_WEIGHTS, replace(engine, quantization="fp8"), "quantization fp8 at load"
    size = smallest_tensor_parallel_size(model, gpu, engine, largest=largest, interconnect=interconnect)
    if size is not None and size > engine.tensor_parallel_size:
        yield (
            Change.MORE_GPUS,
            replace(engine, tensor_parallel_size=size),
            f"tensor_parallel_size {size} instead of {engine.tensor_parallel_size}",
        )
