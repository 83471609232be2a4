"""One estimate: vLLM's own start-up arithmetic, term by term, and the verdict with its band.

In: model, GPU and engine settings, all frozen. Out: `MemoryEstimate`. Pure and memoised, because a plan asks the same
question for every pool and every deployment of a shape.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from inferfleet.api.enums import Interconnect
from inferfleet.catalog.memory_laws import MemoryLaw, memory_law
from inferfleet.domain.calibration import MemoryCalibration
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.memory import GIB, Fit, MemoryEstimate, MemoryTerm
from inferfleet.domain.model import Model
from inferfleet.engine.memory import usable as usable_memory
from inferfleet.engine.memory.activation import activation_bytes
from inferfleet.engine.memory.doubt import Doubt, doubt
from inferfleet.engine.memory.kv_cache import CacheLayout, cache_layout
from inferfleet.engine.memory.late import late_headroom_gib
from inferfleet.engine.memory.matrices import Stage, pipeline_stages
from inferfleet.engine.memory.overheads import cuda_graph_gib, non_torch_gib
from inferfleet.engine.memory.weights import weight_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """GiB of one GPU of one pipeline stage, and the layout of what is left."""

    weights: float
    activation: float
    non_torch: float
    cuda_graph: float
    pool: float
    late_headroom: float
    layout: CacheLayout


@lru_cache(maxsize=65536)
def estimate(
    model: Model,
    gpu: GPU,
    engine: EngineSettings,
    *,
    usable_gib: float | None = None,
    interconnect: Interconnect | None = None,
    calibration: MemoryCalibration | None = None,
) -> MemoryEstimate:
    """Return every memory term of one GPU of one replica, and whether the engine would start.

    `usable_gib` (GiB CUDA reports) and `interconnect` override the GPU type's; `calibration` replaces terms by figures
    that an engine printed. The verdict is that of the tightest pipeline stage; terms are those of the first stage.
    Raises ValueError, naming the field, for impossible settings or an unknown version or quantisation.
    """
    check_settings(model, engine)
    law = memory_law(engine.version)
    usable = (calibration and calibration.usable_gib) or usable_gib or usable_memory.usable_gib(gpu)
    link = interconnect if interconnect is not None else gpu.interconnect
    stages = [
        _terms(model, engine, law, stage, usable=usable, interconnect=link, calibration=calibration)
        for stage in pipeline_stages(model.num_hidden_layers, engine.pipeline_parallel_size)
    ]
    return _judge(model, engine, law, stages, usable=usable, doubt=doubt(model, engine, law, usable, calibration))


def check_settings(model: Model, engine: EngineSettings) -> None:
    """Raise ValueError naming the first field that is not positive or out of range."""
    for name in ("tensor_parallel_size", "max_model_len", "max_num_seqs", "max_num_batched_tokens",
                 "pipeline_parallel_size", "data_parallel_size"):  # fmt: skip
        value = getattr(engine, name)
        if value < 1:
            raise ValueError(f"{name} is {value}; accepted: 1 and more")
    if not 0 < engine.gpu_memory_utilization <= 1:
        raise ValueError(f"gpu_memory_utilization is {engine.gpu_memory_utilization}; accepted: above 0, at most 1")
    for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
                 "vocab_size", "max_position_embeddings"):  # fmt: skip
        value = getattr(model, name)
        if value < 1:
            raise ValueError(f"{name} of model {model.id} is {value}; accepted: 1 and more")
    if engine.pipeline_parallel_size > model.num_hidden_layers:
        stages, layers = engine.pipeline_parallel_size, model.num_hidden_layers
        raise ValueError(f"pipeline_parallel_size is {stages}; {model.id} has {layers} layers")


def _terms(
    model: Model,
    engine: EngineSettings,
    law: MemoryLaw,
    stage: Stage,
    *,
    usable: float,
    interconnect: Interconnect,
    calibration: MemoryCalibration | None,
) -> Terms:
    printed = calibration or MemoryCalibration()
    weights = _first(printed.weights_gib, weight_bytes(model, engine, law, stage) / GIB)
    activation = _first(printed.activation_gib, activation_bytes(model, engine, law, stage) / GIB)
    non_torch = _first(printed.non_torch_gib, non_torch_gib(model, engine, law, interconnect))
    graphs = _first(printed.cuda_graph_gib, cuda_graph_gib(model, engine, law, stage))
    pool = usable * engine.gpu_memory_utilization - weights - activation - non_torch
    pool -= graphs if law.cuda_graph.counted else 0.0
    return Terms(
        weights=weights,
        activation=activation,
        non_torch=non_torch,
        cuda_graph=graphs,
        pool=_first(printed.kv_cache_gib, pool),
        late_headroom=late_headroom_gib(
            model, engine, law, interconnect, usable=usable, activation=activation, cuda_graph=graphs
        ),
        layout=cache_layout(model, engine, law, stage.layers),
    )


def _first(observed: float | None, estimated: float) -> float:
    return estimated if observed is None else observed


def _judge(
    model: Model, engine: EngineSettings, law: MemoryLaw, stages: list[Terms], *, usable: float, doubt: Doubt
) -> MemoryEstimate:
    first = stages[0]
    needs = [stage.layout.request_bytes(engine.max_model_len) / GIB for stage in stages]
    margin, need, tightest = min(
        ((stage.pool - need, need, stage) for stage, need in zip(stages, needs, strict=True)), key=lambda item: item[0]
    )
    concurrency = min(
        stage.layout.blocks(stage.pool * GIB) / stage.layout.request_blocks(engine.max_model_len) for stage in stages
    )
    longest = min(stage.layout.longest_request(stage.pool * GIB) for stage in stages)
    binding = MemoryTerm.WEIGHTS if tightest.pool <= 0 else MemoryTerm.CONTEXT
    late = min(stage.late_headroom for stage in stages)
    if late < min(0.0, margin):
        margin, binding = late, MemoryTerm.LATE
    fit = _fit(margin, tightest.pool, doubt.band_gib)
    return MemoryEstimate(
        weights_gib=first.weights,
        activation_gib=first.activation,
        non_torch_gib=first.non_torch,
        cuda_graph_gib=first.cuda_graph,
        usable_gib=usable,
        utilization=engine.gpu_memory_utilization,
        kv_cache_gib=first.pool,
        kv_cache_tokens=_printed_tokens(stages, engine, law, concurrency),
        max_concurrency=concurrency,
        required_kv_gib=need,
        margin_gib=margin,
        band_gib=doubt.band_gib,
        longest_context=min(longest, model.max_position_embeddings),
        fit=fit,
        binding=None if fit is Fit.FITS else binding,
        confidence=doubt.confidence,
        notes=doubt.notes,
    )


def _fit(margin: float, pool: float, band: float) -> Fit:
    if margin >= band:
        return Fit.FITS
    return Fit.DOES_NOT_FIT if margin < -band or pool < -band else Fit.TOO_CLOSE


def _printed_tokens(stages: list[Terms], engine: EngineSettings, law: MemoryLaw, concurrency: float) -> int:
    """Return "GPU KV cache size": slots over groups up to 0.20, full-length requests' tokens since."""
    if not law.prints_slots:
        return math.floor(concurrency * engine.max_model_len)
    return min(
        stage.layout.blocks(stage.pool * GIB) // stage.layout.groups * stage.layout.block_tokens for stage in stages
    )
