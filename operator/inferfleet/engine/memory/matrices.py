"""The weight matrices that one GPU holds: which tensors vLLM creates for a model, and how many parameters each has.

In: model facts and engine settings. Out: `Matrix` values of one pipeline stage. Pure. Source: vLLM 0.11.0 and 0.32.0
model_executor/layers/linear.py (QKVParallelLinear replicates key and value heads, gate and up are merged),
fused_moe/layer.py (w13 and w2 of all local experts), models/deepseek_v2.py, models/qwen3_next.py.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.model import Experts, LatentAttention, LinearAttention, Model


class Part(Enum):
    """What a matrix belongs to; checkpoints leave some parts in 16 bits."""

    ATTENTION = auto()
    DENSE_MLP = auto()
    SHARED_EXPERTS = auto()
    EXPERTS = auto()
    PLAIN = auto()  # never quantised: router, norms, the absorbed copy of MLA


@dataclass(frozen=True, slots=True)
class Matrix:
    """`count` tensors of `parameters` each on one GPU, of which `padding` are zeros that a kernel wants.

    The count may be fractional where a stage holds a share of a kind of layers.
    """

    part: Part
    count: float
    parameters: float
    padding: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One pipeline stage: how many layers it has and whether it is the first or the last."""

    index: int
    layers: int
    first: bool
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernels:
    """What an engine's kernels add to a checkpoint: padding of expert matrices, and copies that MLA decodes with."""

    hidden_multiple: int = 1
    width_multiple: int = 1
    absorbs_query: bool = False
    copies_up_projection: bool = False


def padded(value: int, multiple: int) -> int:
    """Round up to a multiple."""
    return -(-value // multiple) * multiple


def local_heads(heads: int, tensor_parallel_size: int) -> float:
    """Key/value heads held by one GPU: they stop shrinking at one head (QKVParallelLinear replicates them)."""
    return max(1.0, heads / tensor_parallel_size)


def pipeline_stages(layers: int, stages: int) -> tuple[Stage, ...]:
    """Split layers over pipeline stages as vLLM does: the remainder goes to the stages before the last.

    Source: vLLM distributed/utils.py get_pp_indices.
    """
    counts = [layers // stages] * stages
    for offset in range(layers % stages):
        counts[-(offset % stages) - 2 if stages > 1 else 0] += 1
    return tuple(
        Stage(index=index, layers=count, first=index == 0, last=index == stages - 1)
        for index, count in enumerate(counts)
    )


def layer_matrices(model: Model, engine: EngineSettings, stage: Stage, kernels: Kernels) -> Iterator[Matrix]:
    """Yield all matrices of the layers of one stage, norms and routers included."""
    yield from _enqueuer(model, engine.tensor_parallel_size, stage.layers, kernels)
    dense_layers, expert_layers = _mlp_layers(model, stage)
    merged = (model.mlp_matrices - 1) * model.hidden_size * model.intermediate_size / engine.tensor_parallel_size
    down = model.hidden_size * model.intermediate_size / engine.tensor_parallel_size
    yield Matrix(Part.DENSE_MLP, dense_layers, merged)
    yield Matrix(Part.DENSE_MLP, dense_layers, down)
    yield Matrix(Part.PLAIN, 2 * stage.layers + 1, model.hidden_size)
    if model.experts is not None:
        yield from _experts(model, model.experts, engine, expert_layers, kernels)


def _mlp_layers(model: Model, stage: Stage) -> tuple[int, int]:
    """Return (layers with a dense MLP, layers with experts) of one stage."""
    if model.experts is None:
        return stage.layers, 0
    dense = min(model.experts.first_dense_layers, stage.layers) if stage.first else 0
    return (stage.layers if model.experts.dense_mlp_in_every_layer else dense), stage.layers - dense


def _enqueuer(model: Model, tensor_parallel_size: int, layers: int, kernels: Kernels) -> Iterator[Matrix]:
    """Yield the attention matrices of a stage; kinds of layers are taken to be spread evenly over the stages."""
    latent, linear, window = model.latent_attention, model.linear_attention, model.sliding_window
    if latent is not None:
        yield from _latent(model, latent, tensor_parallel_size, layers)
        if kernels.copies_up_projection:
            yield Matrix(Part.PLAIN, layers, _up_projection(model, latent, tensor_parallel_size))
        if kernels.absorbs_query:
            heads = model.num_attention_heads / tensor_parallel_size
            yield Matrix(Part.PLAIN, layers, (latent.q_lora_rank or model.hidden_size) * heads * latent.kv_lora_rank)
            yield Matrix(Part.PLAIN, layers, heads * latent.kv_lora_rank * model.hidden_size)
    elif linear is not None:
        full = layers / linear.full_attention_interval
        yield from _dense(model, tensor_parallel_size, full)
        yield from _linear(model, linear, tensor_parallel_size, layers - full)
    elif window is not None and (window.global_head_dim or window.global_num_key_value_heads):
        local = layers * window.num_layers / model.num_hidden_layers
        yield from _dense(model, tensor_parallel_size, local)
        yield from _dense(
            model,
            tensor_parallel_size,
            layers - local,
            head_dim=window.global_head_dim,
            key_value_heads=window.global_num_key_value_heads,
            key_is_value=model.attention_key_is_value,
        )
    else:
        yield from _dense(model, tensor_parallel_size, layers)


def _dense(
    model: Model,
    tensor_parallel_size: int,
    layers: float,
    *,
    head_dim: int | None = None,
    key_value_heads: int | None = None,
    key_is_value: bool = False,
) -> Iterator[Matrix]:
    """Query and output are divided among GPUs, key and value heads replicated below one; queries may carry a gate."""
    dimension = head_dim or model.head_dim
    query = model.num_attention_heads / tensor_parallel_size
    key_value = local_heads(key_value_heads or model.num_key_value_heads, tensor_parallel_size)
    gate = 2 if model.attention_output_gate else 1
    inputs = gate * query + (1 if key_is_value else 2) * key_value
    yield Matrix(Part.ATTENTION, layers, model.hidden_size * dimension * inputs)
    yield Matrix(Part.ATTENTION, layers, model.hidden_size * dimension * query)


def _latent(model: Model, latent: LatentAttention, tensor_parallel_size: int, layers: int) -> Iterator[Matrix]:
    """MLA: low-rank projections are replicated, per-head parts divided."""
    hidden, heads = model.hidden_size, model.num_attention_heads / tensor_parallel_size
    query_dim = latent.qk_nope_head_dim + latent.qk_rope_head_dim
    if latent.q_lora_rank:
        yield Matrix(Part.ATTENTION, layers, hidden * latent.q_lora_rank)
    yield Matrix(Part.ATTENTION, layers, (latent.q_lora_rank or hidden) * heads * query_dim)
    yield Matrix(Part.ATTENTION, layers, hidden * (latent.kv_lora_rank + latent.qk_rope_head_dim))
    yield Matrix(Part.ATTENTION, layers, _up_projection(model, latent, tensor_parallel_size))
    yield Matrix(Part.ATTENTION, layers, heads * latent.v_head_dim * hidden)
    if latent.index_head_dim and latent.index_num_heads:
        source = latent.q_lora_rank or hidden
        yield Matrix(Part.ATTENTION, layers, source * latent.index_num_heads * latent.index_head_dim)
        yield Matrix(Part.ATTENTION, layers, hidden * latent.index_head_dim)
        yield Matrix(Part.PLAIN, layers, hidden * latent.index_num_heads)


def _up_projection(model: Model, latent: LatentAttention, tensor_parallel_size: int) -> float:
    """Parameters of kv_b on one GPU; vLLM keeps a 16-bit copy for decoding (mla_attention.py, W_UK_T and W_UV)."""
    heads = model.num_attention_heads / tensor_parallel_size
    return latent.kv_lora_rank * heads * (latent.qk_nope_head_dim + latent.v_head_dim)


def _linear(model: Model, linear: LinearAttention, tensor_parallel_size: int, layers: float) -> Iterator[Matrix]:
    """One gated delta net layer: inputs with their gates, the convolution, the output."""
    keys = linear.num_key_heads * linear.key_head_dim
    values = linear.num_value_heads * linear.value_head_dim
    inputs = model.hidden_size * (2 * keys + 2 * values)
    yield Matrix(Part.ATTENTION, layers, inputs / tensor_parallel_size)
    yield Matrix(Part.ATTENTION, layers, model.hidden_size * 2 * linear.num_value_heads / tensor_parallel_size)
    yield Matrix(Part.PLAIN, layers, (2 * keys + values) * linear.convolution_kernel / tensor_parallel_size)
    yield Matrix(Part.ATTENTION, layers, values * model.hidden_size / tensor_parallel_size)


def _experts(model: Model, experts: Experts, engine: EngineSettings, layers: int, kernels: Kernels) -> Iterator[Matrix]:
    """Routed experts (by width under tensor parallelism, by number under expert parallelism), shared ones, router."""
    shards, hidden = engine.tensor_parallel_size, model.hidden_size
    number, width = experts.num_experts, math.ceil(experts.intermediate_size / shards)
    if engine.expert_parallel:
        number = math.ceil(number / (shards * engine.data_parallel_size))
        width = experts.intermediate_size
    down = number * padded(hidden, kernels.hidden_multiple) * padded(width, kernels.width_multiple)
    zeros = down - number * hidden * width
    yield Matrix(Part.EXPERTS, layers, 2 * down, 2 * zeros)
    yield Matrix(Part.EXPERTS, layers, down, zeros)
    shared = experts.shared_expert_intermediate_size or experts.num_shared_experts * experts.intermediate_size
    if shared:
        yield Matrix(Part.SHARED_EXPERTS, layers, 2 * hidden * shared / shards)
        yield Matrix(Part.SHARED_EXPERTS, layers, hidden * shared / shards)
    yield Matrix(Part.PLAIN, layers, hidden * experts.num_experts)
