"""Engine settings of something that runs, read back from the flags it was started with.

In: the stored form of a child, and the engine version. Out: `EngineSettings`, or None when the flags are not those
that Inferfleet writes. Status does not repeat these settings, and they must survive a restart of the operator: what
runs with them has proved that it fits.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.observed import Child

ENGINE_CONTAINER = "engine"


def engine_settings(child: Child, version: str) -> EngineSettings | None:
    """Return the settings in the child's pod template; missing or malformed flags give None."""
    flags = _flags(orjson.loads(child.content))
    try:
        return EngineSettings(
            version=version,
            tensor_parallel_size=int(flags["tensor-parallel-size"]),
            max_model_len=int(flags["max-model-len"]),
            max_num_seqs=int(flags["max-num-seqs"]),
            max_num_batched_tokens=int(flags["max-num-batched-tokens"]),
            gpu_memory_utilization=float(flags["gpu-memory-utilization"]),
            kv_cache_dtype=flags.get("kv-cache-dtype", "auto"),
            quantization=flags.get("quantization"),
            dtype=flags["dtype"],
            enforce_eager="enforce-eager" in flags,
            pipeline_parallel_size=int(flags.get("pipeline-parallel-size", "1")),
            expert_parallel="enable-expert-parallel" in flags,
        )
    except (KeyError, ValueError):
        return None


def _flags(content: Mapping[str, Any]) -> dict[str, str]:
    """Read `--name=value` and `--name` arguments of the engine container; a value of a switch is empty."""
    template = (content.get("spec") or {}).get("template") or {}
    spec = template.get("spec") or {}
    containers: Iterable[Mapping[str, Any]] = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    engine = next((item for item in containers if item.get("name") == ENGINE_CONTAINER), {})
    words = [*(engine.get("command") or ()), *(engine.get("args") or ())]
    pairs = (str(word)[2:].partition("=") for word in words if str(word).startswith("--"))
    return {name: value for name, _, value in pairs}
