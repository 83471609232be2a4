"""What vLLM itself would have chosen where a case shows no flag, by version and device.

In: version, device, generation of the engine. Out: `Defaults`. Source: vllm/engine/arg_utils.py and config/cache.py of
0.8.3, 0.8.5, 0.9.0, 0.23.0, 0.26.0, 0.29.0 and 0.32.0, for the OpenAI server.
"""

from dataclasses import dataclass

LARGE_DEVICE_GIB = 70.0
LARGEST_DEVICE_GIB = 160.0
Version = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Defaults of the flags that decide memory."""

    max_num_batched_tokens: int
    max_num_seqs: int
    gpu_memory_utilization: float


def defaults(version: Version, device: str, usable_gib: float, *, first_generation: bool) -> Defaults:
    """Return the defaults; `version` is (major, minor, patch), `device` the name as the driver says it."""
    tokens, sequences = _batch(version, device, usable_gib, first_generation=first_generation)
    return Defaults(
        max_num_batched_tokens=tokens,
        max_num_seqs=sequences,
        gpu_memory_utilization=0.92 if version >= (0, 23) else 0.9,
    )


def _batch(version: Version, device: str, usable_gib: float, *, first_generation: bool) -> tuple[int, int]:
    if first_generation:
        return 2048, 256
    if version < (0, 8, 5):
        return (8192 if "H100" in device or "H200" in device else 2048), 1024
    if version >= (0, 29) and usable_gib >= LARGEST_DEVICE_GIB:
        return 16384, 1024
    excepted = "A100" in device and version >= (0, 9)
    return (8192, 1024) if usable_gib >= LARGE_DEVICE_GIB and not excepted else (2048, 256)
