"""The model, GPU type and engine settings that a command line asks about.

In: the values of `engine_options`. Out: a `Setup`, or `BadInput` naming the option, the value and what is accepted.
Settings that are not given are those that the operator would render.
"""

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inferfleet.api.enums import Interconnect
from inferfleet.api.reasons import Reason
from inferfleet.catalog.gpus import gpus
from inferfleet.catalog.model_config import from_config
from inferfleet.catalog.models import find_model, models
from inferfleet.cli.exit import BadInput
from inferfleet.cli.hub import hub_models
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.memory import MemoryEstimate
from inferfleet.domain.model import Model, UnknownModel
from inferfleet.domain.traffic import Traffic
from inferfleet.engine import (
    DEFAULT_UTILIZATION,
    DEFAULT_VERSION,
    batch_limits,
    default_context,
    kv_cache_problem,
    memory,
    on_the_fly_quantization,
    quantization_problem,
)

# A config.json is a few kilobytes; the largest published ones stay below one megabyte.
LARGEST_CONFIG_BYTES = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The replica that is asked about. `interconnect` is that of the node (None: as the GPU type says)."""

    model: Model
    gpu: GPU
    engine: EngineSettings
    interconnect: Interconnect | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineArguments:
    """Engine settings as given; None where the operator's default applies."""

    tensor_parallel_size: int = 1
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    gpu_memory_utilization: float | None = None
    kv_cache_dtype: str = "auto"
    quantization: str | None = None
    engine_version: str | None = None
    enforce_eager: bool = False
    expert_parallel: bool = False


def setup(
    *,
    model: Model,
    gpu: str,
    interconnect: str | None,
    arguments: EngineArguments,
    traffic: Traffic | None = None,
) -> Setup:
    """Resolve names and defaults. Without `max_model_len`: what traffic needs, or the model's own, as in vLLM.

    Raises `BadInput`.
    """
    known_gpu = _gpu(gpu)
    context = default_context(model, traffic) if traffic else model.max_position_embeddings
    engine = _engine(model, known_gpu, arguments, context)
    accepted = kv_cache_problem(engine.kv_cache_dtype, engine.version)
    if accepted is not None:
        raise BadInput(f"--kv-cache-dtype: {engine.kv_cache_dtype} {accepted}")
    if traffic is not None:
        _check_request(traffic, engine.max_model_len)
    return Setup(model=model, gpu=known_gpu, engine=engine, interconnect=_interconnect(interconnect))


def estimate(asked: Setup) -> MemoryEstimate:
    """Estimate the memory of one replica. Raises `BadInput` for a setting that the memory model refuses."""
    try:
        return memory.estimate(asked.model, asked.gpu, asked.engine, interconnect=asked.interconnect)
    except ValueError as error:
        raise BadInput(_as_flag(str(error))) from error


def start_problem(asked: Setup) -> tuple[Reason, str] | None:
    """Return why vLLM would not start with any memory: a quantisation or a context that it does not support."""
    model, engine = asked.model, asked.engine
    problem = quantization_problem(model, engine.quantization, engine.version)
    if problem is not None:
        return Reason.PRECISION_NOT_SUPPORTED, problem
    if engine.max_model_len > model.max_position_embeddings:
        limit = model.max_position_embeddings
        return (
            Reason.CONTEXT_DOES_NOT_FIT,
            f"--max-model-len {engine.max_model_len} is above the {limit} positions of {model.id}",
        )
    return None


def _as_flag(message: str) -> str:
    """Begin the message with the flag instead of the field: `max_num_seqs is 0` becomes `--max-num-seqs: is 0`."""
    first, _, rest = message.partition(" ")
    if first == "engine":
        return f"--engine-version: {message}"
    return f"--{first.replace('_', '-')}: {rest}"


def _engine(model: Model, gpu: GPU, arguments: EngineArguments, context: int) -> EngineSettings:
    utilization = arguments.gpu_memory_utilization
    sequences, tokens = batch_limits(gpu, arguments.max_num_seqs, arguments.max_num_batched_tokens)
    if tokens < sequences:
        raise BadInput(f"--max-num-batched-tokens: {tokens} must be at least the {sequences} of --max-num-seqs")
    return EngineSettings(
        version=arguments.engine_version or DEFAULT_VERSION,
        tensor_parallel_size=arguments.tensor_parallel_size,
        max_model_len=_given(arguments.max_model_len, context),
        max_num_seqs=sequences,
        max_num_batched_tokens=tokens,
        gpu_memory_utilization=DEFAULT_UTILIZATION if utilization is None else utilization,
        kv_cache_dtype=arguments.kv_cache_dtype,
        quantization=on_the_fly_quantization(model, arguments.quantization),
        dtype=model.dtype,
        enforce_eager=arguments.enforce_eager,
        expert_parallel=arguments.expert_parallel,
    )


def _check_request(traffic: Traffic, context: int) -> None:
    request = traffic.input_tokens + traffic.output_tokens
    if request > context:
        raise BadInput(
            f"--input-tokens and --output-tokens: a request of {request} tokens does not fit into the context of "
            f"{context} (--max-model-len, at most what the model knows)"
        )


def _given(value: int | None, default: int) -> int:
    return default if value is None else value


def find(*, model: str | None, revision: str, config: Path | None, hub: bool) -> Model:
    """Return the model of the catalogue, of the hub where that may be asked, or of a config.json. Raises `BadInput`."""
    if (model is None) == (config is None):
        raise BadInput("--model: give exactly one of --model and --config")
    if config is not None:
        described = _from_file(config)
        if isinstance(described, UnknownModel):
            raise BadInput(f"--config: {config}: {described.message}")
        return described
    assert model is not None
    known = find_model(model)
    if isinstance(known, Model):
        return known
    if not hub:
        raise BadInput(f"--model: {known.message}; here --config FILE or --hub can, too{_similar(model, models())}")
    answer = hub_models()(model, revision)
    if isinstance(answer, UnknownModel):
        raise BadInput(f"--model: {answer.message}; here --config FILE can, too")
    return answer


def _from_file(path: Path) -> Model | UnknownModel:
    try:
        if path.stat().st_size > LARGEST_CONFIG_BYTES:
            raise BadInput(f"--config: {path} has more than {LARGEST_CONFIG_BYTES} bytes; a config.json is far smaller")
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"--config: {path} cannot be read as JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadInput(f"--config: {path} must hold a JSON object, as a model's config.json does")
    name = document.get("_name_or_path")
    return from_config(name if isinstance(name, str) and name else str(path), document, source=str(path))


def _gpu(name: str) -> GPU:
    known = gpus()
    found = known.get(name) or next((gpu for gpu in known.values() if name.casefold() == gpu.product.casefold()), None)
    if found is None:
        raise BadInput(f"--gpu: {name} is not in the catalogue (inferfleet catalog gpus){_similar(name, known)}")
    return found


def _interconnect(name: str | None) -> Interconnect | None:
    if name is None:
        return None
    found = next((kind for kind in Interconnect if kind.casefold() == name.casefold()), None)
    if found is None:
        raise BadInput(f"--interconnect: {name} must be one of {', '.join(Interconnect)}")
    return found


def _similar(name: str, known: Iterable[str]) -> str:
    """Return the likeliest meanings of a misspelt name, also of a part of one."""
    lower = {entry.casefold(): entry for entry in known}
    wanted = name.casefold()
    close = difflib.get_close_matches(wanted, lower, n=3, cutoff=0.6)
    close += [entry for entry in lower if wanted in entry and entry not in close]
    return f"; did you mean {', '.join(lower[entry] for entry in close[:3])}?" if close else ""
