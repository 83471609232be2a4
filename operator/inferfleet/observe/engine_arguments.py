"""The settings of a running engine, read back from the flags that it was started with.

In: the stored form of a child or a pod's spec, and the engine version. Out: `EngineSettings`, or None when the flags
are not those that Inferfleet writes. Status does not repeat these settings, and they must survive a restart of the
operator: what runs with them has proved that it fits.
"""

import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from inferfleet.domain.children import ENGINE_CONTAINER
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.observed import Child, EngineContainer

MODEL_NAME_FLAG = "served-model-name"


def engine_settings(child: Child, version: str) -> EngineSettings | None:
    """Return the settings in the child's pod template; missing or malformed flags give None."""
    engine = engine_of_child(child)
    return settings_of(engine, version) if engine else None


def engine_of_child(child: Child) -> EngineContainer | None:
    """Return the engine in the child's pod template, None without one."""
    return child.engine


def engine_container(spec: Mapping[str, Any]) -> EngineContainer | None:
    """Return the engine in a pod's spec, also where it is a sidecar; None without one."""
    containers: Iterable[Mapping[str, Any]] = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    engine = next((item for item in containers if item.get("name") == ENGINE_CONTAINER), None)
    if engine is None:
        return None
    words = (*(engine.get("command") or ()), *(engine.get("args") or ()))
    return EngineContainer(
        image=sys.intern(str(engine.get("image") or "")), words=tuple(sys.intern(str(word)) for word in words)
    )


@lru_cache(maxsize=4096)
def settings_of(engine: EngineContainer, version: str) -> EngineSettings | None:
    """Return the settings in an engine's command line; missing or malformed flags give None."""
    flags = flags_of(engine)
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


def flags_of(engine: EngineContainer) -> dict[str, str]:
    """Read `--name=value` and `--name` arguments; a value of a switch is empty."""
    pairs = (word[2:].partition("=") for word in engine.words if word.startswith("--"))
    return {name: value for name, _, value in pairs}
