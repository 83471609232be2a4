"""The engine's arguments: every flag that the decision depends on is written out, in one spelling.

In: a demand and a placement. Out: the argument list of `vllm serve`. Nothing is left to defaults of the image's version
(`--gpu-memory-utilization` alone went from 0.90 to 0.92 between versions). Values are attached with `=`, because the
engine's parser takes detached values that begin with a dash for flags.
"""

import re

from inferfleet.api.enums import ModelSource
from inferfleet.catalog.engine_flags import version_key
from inferfleet.domain.demand import Demand
from inferfleet.domain.placement import Placement
from inferfleet.domain.problem import Problem
from inferfleet.engine import check_extra_args
from inferfleet.render.manifest import RenderError
from inferfleet.render.names import ENGINE_PORT, MODEL_SOURCE_PATH

# The flag exists from vLLM 0.18.0 on (its default, 0, aborts running requests); older engines refuse to start with it.
SHUTDOWN_TIMEOUT_SINCE = (0, 18)

# A repository as the hub accepts it: both parts begin with a letter, a digit or an underscore. The schema's pattern is
# wider; a first character "-" would turn the positional argument into a flag, and "." would make it a path.
_REPOSITORY = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)


def engine_args(demand: Demand, placement: Placement, shutdown_seconds: int) -> tuple[str, ...]:
    """Return the arguments behind `vllm serve`: the model first, as vLLM wants it, then flags in a fixed order.

    Raises `RenderError` when the model's name could be read as a flag or path, or extraArgs hold what the plan owns.
    """
    settings = placement.engine
    flags = {
        **_model_flags(demand),
        "--port": ENGINE_PORT,
        "--tensor-parallel-size": settings.tensor_parallel_size,
        "--max-model-len": settings.max_model_len,
        "--max-num-seqs": settings.max_num_seqs,
        "--max-num-batched-tokens": settings.max_num_batched_tokens,
        "--gpu-memory-utilization": f"{settings.gpu_memory_utilization:g}",
        "--dtype": settings.dtype,
        "--kv-cache-dtype": settings.kv_cache_dtype,
    }
    if settings.quantization is not None:
        flags["--quantization"] = settings.quantization
    if settings.pipeline_parallel_size != 1:
        flags["--pipeline-parallel-size"] = settings.pipeline_parallel_size
    if version_key(settings.version) >= SHUTDOWN_TIMEOUT_SINCE:
        flags["--shutdown-timeout"] = shutdown_seconds
    switches = {"--enforce-eager": settings.enforce_eager, "--enable-expert-parallel": settings.expert_parallel}
    return (
        _model_argument(demand),
        *(f"{flag}={value}" for flag, value in flags.items()),
        *(flag for flag, wanted in switches.items() if wanted),
        *_extra_args(demand, settings.version),
    )


def served_model_name(demand: Demand) -> str:
    """Return the name that clients put into `model`: the repository, also when the weights come from a volume."""
    return demand.model.id


def _model_argument(demand: Demand) -> str:
    model = demand.spec.model
    if model.source is ModelSource.PERSISTENT_VOLUME_CLAIM:
        return "/".join((MODEL_SOURCE_PATH, *filter(None, (model.path or "").split("/"))))
    if _REPOSITORY.fullmatch(demand.model.id) is None:
        raise RenderError(
            f"spec.model.id: {demand.model.id!r} must be owner/name, both beginning with a letter or digit"
        )
    return demand.model.id


def _model_flags(demand: Demand) -> dict[str, object]:
    flags: dict[str, object] = {"--served-model-name": served_model_name(demand)}
    if demand.spec.model.source is ModelSource.HUGGING_FACE:
        flags["--revision"] = demand.spec.model.revision
    return flags


def _extra_args(demand: Demand, version: str) -> tuple[str, ...]:
    """Write the tenant's arguments plainly; the allow-list was the plan's question, ownership is asked again."""
    asked = demand.spec.engine.extra_args
    written = check_extra_args(asked, version, allowed=None)
    if isinstance(written, Problem):
        raise RenderError(str(written))
    return written
