"""Reading the figures and the failure that vLLM prints while it starts, in the spelling of every era.

In: log text or a termination message. Out: `EngineFigures`. Pure: where the text comes from, and whose figures count,
is decided elsewhere. Spellings: vLLM 0.6 to 0.9 worker/worker.py, 0.11.0, 0.26.0 and 0.32.0 v1/worker/gpu_worker.py,
gpu_model_runner.py, v1/core/kv_cache_utils.py, and messages quoted in public issues.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from inferfleet.domain.calibration import MemoryCalibration
from inferfleet.domain.memory import GIB, MIB

_NUMBER = r"(-?[\d,]+(?:\.\d+)?)"
_GIB = _NUMBER + r"\s*Gi?B"


class Failure(StrEnum):
    """How the engine ran out of memory."""

    CUDA_OUT_OF_MEMORY = "CUDAOutOfMemory"  # while loading, profiling, capturing or warming up
    NO_CACHE_MEMORY = "NoCacheMemory"  # weights and reserve left nothing for the KV cache
    CONTEXT_TOO_LONG = "ContextTooLong"  # one request of max_model_len does not fit into the cache
    DEVICE_NOT_FREE = "DeviceNotFree"  # something else holds memory of the card


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFigures:
    """What the text said; None where it said nothing. GiB per GPU (of the last rank that printed), tokens, requests.

    `consumed_gib` is weights and non-torch in one, as vLLM prints it since 0.27. `allocation_gib` is what the failed
    allocation asked for. `estimated_max_model_len` is the length vLLM itself proposed.
    """

    weights_gib: float | None = None
    activation_gib: float | None = None
    non_torch_gib: float | None = None
    consumed_gib: float | None = None
    cuda_graph_gib: float | None = None
    kv_cache_gib: float | None = None
    kv_cache_tokens: int | None = None
    gpu_blocks: int | None = None
    max_concurrency: float | None = None
    total_gib: float | None = None
    free_gib: float | None = None
    utilization: float | None = None
    failure: Failure | None = None
    max_model_len: int | None = None
    required_kv_gib: float | None = None
    estimated_max_model_len: int | None = None
    allocation_gib: float | None = None

    def calibration(self, source: str) -> MemoryCalibration:
        """Return the figures as terms that replace estimated ones; `source` says where they were read."""
        non_torch = self.non_torch_gib
        if non_torch is None and self.consumed_gib is not None and self.weights_gib is not None:
            non_torch = self.consumed_gib - self.weights_gib
        return MemoryCalibration(
            weights_gib=self.weights_gib,
            activation_gib=self.activation_gib,
            non_torch_gib=non_torch,
            cuda_graph_gib=self.cuda_graph_gib,
            kv_cache_gib=self.kv_cache_gib,
            usable_gib=self.total_gib,
            source=source,
        )


def _real(text: str) -> float:
    return float(text.replace(",", ""))


def _whole(text: str) -> int:
    return int(float(text.replace(",", "")))


# Field, pattern with one group, conversion. Later patterns of a field win over earlier ones when both occur, and of one
# pattern the last occurrence counts: a restarted engine appends to the same log.
_FIGURES: tuple[tuple[str, str, Callable[[str], float]], ...] = (
    ("weights_gib", rf"Loading model weights took {_GIB}", _real),
    ("weights_gib", rf"Model loading took {_GIB}", _real),
    ("weights_gib", rf"model weights take {_GIB}", _real),
    ("weights_gib", rf"Actual usage is {_GIB} for weight,", _real),
    ("consumed_gib", rf"Actual usage is {_GIB} for consumed memory", _real),
    ("non_torch_gib", rf"non_torch_memory takes {_GIB}", _real),
    ("non_torch_gib", rf"{_GIB} for non-torch memory", _real),
    ("activation_gib", rf"PyTorch activation peak memory takes {_GIB}", _real),
    ("activation_gib", rf"{_GIB} for peak activation", _real),
    ("cuda_graph_gib", rf"Graph capturing finished in [\d.]+ secs?, took {_GIB}", _real),
    ("cuda_graph_gib", rf"{_GIB} for CUDAGraph memory", _real),
    ("cuda_graph_gib", rf"CUDA graph pool memory: {_GIB} \(actual\)", _real),
    ("kv_cache_gib", rf"memory reserved for KV Cache is {_GIB}", _real),
    ("kv_cache_gib", rf"larger than the available KV cache memory \({_GIB}\)", _real),
    ("kv_cache_gib", rf"Available KV cache memory: {_GIB}", _real),
    ("kv_cache_tokens", rf"that can be stored in KV cache \({_NUMBER}\)", _whole),
    ("kv_cache_tokens", rf"GPU KV cache size: {_NUMBER} tokens", _whole),
    ("gpu_blocks", rf"# GPU blocks: {_NUMBER}", _whole),
    ("gpu_blocks", rf"# (?:cuda|rocm) blocks: {_NUMBER}", _whole),
    ("max_concurrency", rf"Maximum concurrency for [\d,]+ tokens per request: {_NUMBER}x", _real),
    ("total_gib", rf"total_gpu_memory \({_GIB}\)", _real),
    ("total_gib", rf"Free memory on device [^(]*\([\d.]+/{_GIB}\)", _real),
    ("free_gib", rf"Free memory on device [^(]*\({_NUMBER}/", _real),
    ("utilization", rf"gpu_memory_utilization \({_NUMBER}\)", _real),
    ("utilization", rf"[Dd]esired GPU memory utilization(?: is)? \({_NUMBER},", _real),
    ("max_model_len", rf"max seq len \({_NUMBER}\)", _whole),
    ("required_kv_gib", rf"\(?{_GIB} KV cache is needed", _real),
    ("estimated_max_model_len", rf"estimated maximum model length is {_NUMBER}", _whole),
)
_COMPILED = tuple((field, re.compile(pattern), convert) for field, pattern, convert in _FIGURES)

# In the order of precedence: the more specific message names the cause.
_FAILURES: tuple[tuple[Failure, re.Pattern[str]], ...] = (
    (
        Failure.CONTEXT_TOO_LONG,
        re.compile("KV cache is needed, which is larger|larger than the maximum number of tokens"),
    ),
    (Failure.NO_CACHE_MEMORY, re.compile("No available memory for the cache blocks")),
    (Failure.DEVICE_NOT_FREE, re.compile("Free memory on device .*? on startup is less than")),
    (Failure.CUDA_OUT_OF_MEMORY, re.compile(r"(?:CUDA|HIP) out of memory|OutOfMemoryError|CUDA error: out of memory")),
)
_ALLOCATION = re.compile(r"Tried to allocate ([\d.]+) ([KMG]iB)")
_UNIT_GIB = {"KiB": 1024 / GIB, "MiB": MIB / GIB, "GiB": 1.0}


def read_engine_log(text: str) -> EngineFigures:
    """Return what vLLM said about memory in this text; all None when it said nothing that is known."""
    joined = re.sub(r"\s*\n\s*(?=[a-z(\d])", " ", text)  # messages that a log collector has wrapped
    found: dict[str, float] = {}
    for field, pattern, convert in _COMPILED:
        values = pattern.findall(joined)
        if values:
            found[field] = convert(values[-1])
    failure = next((kind for kind, pattern in _FAILURES if pattern.search(joined)), None)
    allocation = _ALLOCATION.findall(joined)
    allocated = float(allocation[-1][0]) * _UNIT_GIB[allocation[-1][1]] if allocation else None
    return EngineFigures(**found, failure=failure, allocation_gib=allocated)  # type: ignore[arg-type]  # converters match
