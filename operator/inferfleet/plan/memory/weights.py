"""Bytes of weights on one GPU: what vLLM prints as "Model loading took".

In: model facts and engine settings. Out: bytes of one rank of one pipeline stage. Pure. Formulas count the matrices
that vLLM's model files create; source: vLLM 0.11.0 and 0.32.0 model_executor/layers/linear.py (QKVParallelLinear
replicates key and value heads), vocab_parallel_embedding.py (padding), rotary_embedding/, and the start-up logs named
in docs/memory-model.md.
"""

import math
from dataclasses import dataclass

from inferfleet.catalog.memory_laws import MemoryLaw
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.model import Experts, LatentAttention, LinearAttention, Model
from inferfleet.plan.memory.formats import WeightFormat, weight_format

VOCABULARY_MULTIPLE = 64  # vLLM pads the vocabulary to this (vocab_parallel_embedding.py, DEFAULT_VOCAB_PADDING_SIZE)
MXFP4_HIDDEN_MULTIPLE = 256  # 2880 -> 3072 in the loaded gpt-oss weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One pipeline stage: how many layers it has and whether it is the first or the last."""

    index: int
    layers: int
    first: bool
    last: bool


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


def padded(value: int, multiple: int) -> int:
    """Round up to a multiple."""
    return -(-value // multiple) * multiple


def local_heads(heads: int, tensor_parallel_size: int) -> float:
    """Key/value heads held by one GPU: they stop shrinking at one head (QKVParallelLinear replicates them)."""
    return max(1.0, heads / tensor_parallel_size)


def weight_bytes(model: Model, engine: EngineSettings, law: MemoryLaw, stage: Stage) -> float:
    """Return bytes of weights and rotary tables on one GPU of this stage."""
    layout = weight_format(model, engine)
    layers = _layer_bytes(model, engine, law, stage, layout)
    ends = _embedding_bytes(model, engine, stage, layout)
    norms = (2 * stage.layers + 1) * model.hidden_size * layout.plain
    vision = model.vision_parameters * layout.plain / engine.tensor_parallel_size if stage.first else 0.0
    return layers + ends + norms + vision + _rotary_bytes(model, layout.plain)


def _embedding_bytes(model: Model, engine: EngineSettings, stage: Stage, layout: WeightFormat) -> float:
    vocabulary = padded(model.vocab_size, VOCABULARY_MULTIPLE)
    table = vocabulary * model.hidden_size / engine.tensor_parallel_size
    head_size = layout.linear if layout.detail is not None and layout.detail.head_quantized else layout.plain
    if model.tie_word_embeddings:
        return table * layout.plain if stage.first or stage.last else 0.0
    head = table * head_size if stage.last and not model.pooling else 0.0
    return (table * layout.plain if stage.first else 0.0) + head


def _rotary_bytes(model: Model, plain: float) -> float:
    """Return bytes of the cosine/sine tables, one per kind of rotation: positions x rotated dimensions."""
    positions = model.rope_positions or model.max_position_embeddings
    latent = model.latent_attention
    dimension = latent.qk_rope_head_dim if latent else model.head_dim
    table = positions * dimension * plain
    window = model.sliding_window
    if window is not None and 0 < window.num_layers < model.num_hidden_layers and model.rope_positions is not None:
        table += model.max_position_embeddings * model.head_dim * plain  # local layers rotate with their own base
    return table


def _layer_bytes(model: Model, engine: EngineSettings, law: MemoryLaw, stage: Stage, layout: WeightFormat) -> float:
    """Sum attention, MLP and experts over the layers of one stage."""
    detail = layout.detail
    attention_size = layout.plain if detail is not None and detail.attention_in_16_bits else layout.linear
    mlp_size = layout.plain if detail is not None and detail.dense_mlp_in_16_bits else layout.linear
    plain_share = _plain_share(model, layout)
    attention = _attention_parameters(model, engine.tensor_parallel_size) * stage.layers / model.num_hidden_layers
    total = attention * _mixed(attention_size, layout.plain, plain_share)
    if model.latent_attention is not None and attention_size != layout.plain and law.latent_cache:
        total += _absorbed_parameters(model, model.latent_attention, engine) * stage.layers * layout.plain
    dense_layers, expert_layers = _mlp_layers(model, stage)
    mlp = model.mlp_matrices * model.hidden_size * model.intermediate_size / engine.tensor_parallel_size
    total += dense_layers * mlp * _mixed(mlp_size, layout.plain, plain_share)
    if model.experts is not None:
        total += expert_layers * _expert_bytes(model, model.experts, engine, law, layout)
    return total


def _plain_share(model: Model, layout: WeightFormat) -> float:
    """Share of the layers that a quantised checkpoint leaves in 16 bits."""
    if layout.detail is None:
        return 0.0
    return min(1.0, layout.detail.layers_in_16_bits / model.num_hidden_layers)


def _mixed(size: float, plain: float, plain_share: float) -> float:
    return size * (1 - plain_share) + plain * plain_share


def _mlp_layers(model: Model, stage: Stage) -> tuple[int, int]:
    """Return (layers with a dense MLP, layers with experts) of one stage."""
    if model.experts is None:
        return stage.layers, 0
    dense = min(model.experts.first_dense_layers, stage.layers) if stage.first else 0
    expert_layers = stage.layers - dense
    return (stage.layers if model.experts.dense_mlp_in_every_layer else dense), expert_layers


def _attention_parameters(model: Model, tensor_parallel_size: int) -> float:
    """Parameters of all attention layers of the whole model that one GPU holds."""
    if model.latent_attention is not None:
        return model.num_hidden_layers * _latent_parameters(model, model.latent_attention, tensor_parallel_size)
    window, linear = model.sliding_window, model.linear_attention
    if linear is not None:
        full = model.num_hidden_layers // linear.full_attention_interval
        other = model.num_hidden_layers - full
        return full * _dense_parameters(model, tensor_parallel_size) + other * _linear_attention_parameters(
            model, linear, tensor_parallel_size
        )
    if window is not None and (window.global_head_dim or window.global_num_key_value_heads):
        local = window.num_layers * _dense_parameters(model, tensor_parallel_size)
        return local + (model.num_hidden_layers - window.num_layers) * _dense_parameters(
            model,
            tensor_parallel_size,
            head_dim=window.global_head_dim,
            key_value_heads=window.global_num_key_value_heads,
            key_is_value=model.attention_key_is_value,
        )
    return model.num_hidden_layers * _dense_parameters(model, tensor_parallel_size)


def _dense_parameters(
    model: Model,
    tensor_parallel_size: int,
    *,
    head_dim: int | None = None,
    key_value_heads: int | None = None,
    key_is_value: bool = False,
) -> float:
    """Parameters of one attention layer on one GPU: query and output are divided, key and value heads replicated."""
    dimension = head_dim or model.head_dim
    query = model.num_attention_heads / tensor_parallel_size
    key_value = local_heads(key_value_heads or model.num_key_value_heads, tensor_parallel_size)
    query_matrices = 3 if model.attention_output_gate else 2
    return model.hidden_size * dimension * (query_matrices * query + (1 if key_is_value else 2) * key_value)


def _latent_parameters(model: Model, latent: LatentAttention, tensor_parallel_size: int) -> float:
    """Parameters of one MLA layer on one GPU: low-rank projections are replicated, per-head parts divided."""
    hidden, heads = model.hidden_size, model.num_attention_heads / tensor_parallel_size
    query_dim = latent.qk_nope_head_dim + latent.qk_rope_head_dim
    query = (
        hidden * latent.q_lora_rank + latent.q_lora_rank * heads * query_dim
        if latent.q_lora_rank
        else hidden * heads * query_dim
    )
    down = hidden * (latent.kv_lora_rank + latent.qk_rope_head_dim)
    up = latent.kv_lora_rank * heads * (latent.qk_nope_head_dim + latent.v_head_dim)
    output = heads * latent.v_head_dim * hidden
    indexer = 0
    if latent.index_head_dim and latent.index_num_heads:
        source = latent.q_lora_rank or hidden
        indexer = hidden * latent.index_head_dim + latent.index_num_heads * (source * latent.index_head_dim + hidden)
    return query + down + up + output + indexer


def _absorbed_parameters(model: Model, latent: LatentAttention, engine: EngineSettings) -> float:
    """Parameters of the 16-bit copy of kv_b that MLA decoding keeps beside a quantised one, per layer.

    Source: vLLM model_executor/layers/attention/mla_attention.py, process_weights_after_loading.
    """
    heads = model.num_attention_heads / engine.tensor_parallel_size
    return latent.kv_lora_rank * heads * (latent.qk_nope_head_dim + latent.v_head_dim)


def _linear_attention_parameters(model: Model, linear: LinearAttention, tensor_parallel_size: int) -> float:
    """Parameters of one gated delta net layer on one GPU: inputs, gates, convolution, output."""
    keys = linear.num_key_heads * linear.key_head_dim
    values = linear.num_value_heads * linear.value_head_dim
    inputs = model.hidden_size * (2 * keys + 2 * values + 2 * linear.num_value_heads)
    convolution = (2 * keys + values) * linear.convolution_kernel
    return (inputs + convolution + values * model.hidden_size) / tensor_parallel_size


def _expert_bytes(
    model: Model, experts: Experts, engine: EngineSettings, law: MemoryLaw, layout: WeightFormat
) -> float:
    """Bytes of one mixture layer on one GPU: routed experts, shared experts, router."""
    detail = layout.detail
    plain_share = _plain_share(model, layout)
    shards = engine.tensor_parallel_size
    hidden, width = model.hidden_size, experts.intermediate_size
    held: float
    if engine.expert_parallel:
        held = math.ceil(experts.num_experts / (shards * engine.data_parallel_size)) * width
    else:
        held = experts.num_experts * width / shards
    padded_hidden = hidden
    if layout.method == "mxfp4":
        held = experts.num_experts * padded(math.ceil(width / shards), law.mxfp4_intermediate_multiple)
        padded_hidden = padded(hidden, MXFP4_HIDDEN_MULTIPLE)
    routed = 3 * padded_hidden * held * _mixed(layout.linear, layout.plain, plain_share)
    shared_width = experts.shared_expert_intermediate_size or experts.num_shared_experts * width
    shared_size = layout.plain if detail is not None and detail.shared_experts_in_16_bits else layout.linear
    shared = 3 * hidden * shared_width / shards * _mixed(shared_size, layout.plain, plain_share)
    router = hidden * experts.num_experts * layout.plain
    return routed + shared + router
