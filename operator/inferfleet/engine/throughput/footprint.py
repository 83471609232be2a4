"""What one token costs a model: bytes that must be read and operations that must be done, before any GPU is named.

In: a model, its weight format and the tensor parallel size. Out: a `Footprint`, per GPU of one replica. Pure
arithmetic on the shape in `config.json`; no efficiencies here.
"""

from dataclasses import dataclass

from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.model import Experts, LatentAttention, LinearAttention, Model
from inferfleet.engine.memory.formats import WeightFormat

ONE_BYTE_CACHES = ("fp8", "int8")
STATE_BYTES = 8.0  # a 32-bit recurrent state is read and written once per step
FLOPS_PER_WEIGHT = 2.0
GATED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Costs per GPU of one replica; bytes and floating-point operations.

    `fixed_bytes`: weights read in every step, output head included, embedding table not. `expert_bytes`: all routed
    experts. `state_bytes`: recurrent state per sequence. `cache_bytes_full` and `cache_bytes_windowed`: KV cache per
    token of context, the latter for the last `window` tokens only. `dense_flops` and `expert_flops` per token;
    `head_flops` only where a token is sampled. `attention_flops_decode` and `attention_flops_prefill` per token and
    token of context seen.
    """

    fixed_bytes: float
    expert_bytes: float
    state_bytes: float
    cache_bytes_full: float
    cache_bytes_windowed: float
    window: int
    dense_flops: float
    expert_flops: float
    head_flops: float
    attention_flops_decode: float
    attention_flops_prefill: float
    windowed_share: float
    picks: float
    num_experts: int
    expert_layers: int
    layers: int
    hidden_size: int

    def cache_bytes(self, context: float) -> float:
        """Bytes of KV cache that a sequence with this many tokens of context reads in one step."""
        return self.cache_bytes_full * context + self.cache_bytes_windowed * min(context, self.window)

    def seen(self, context: float) -> float:
        """Mean tokens of context that a layer attends to."""
        return (1 - self.windowed_share) * context + self.windowed_share * min(context, self.window)


def footprint(model: Model, engine: EngineSettings, layout: WeightFormat) -> Footprint:
    """Return the costs of one token. Formulas: throughput notes section 5, from each architecture's matrix shapes."""
    shards = engine.tensor_parallel_size
    detail = layout.detail
    attention_size = layout.plain if detail is not None and detail.attention_in_16_bits else layout.linear
    mlp_size = layout.plain if detail is not None and detail.dense_mlp_in_16_bits else layout.linear
    shared_size = layout.plain if detail is not None and detail.shared_experts_in_16_bits else layout.linear
    enqueuer = _attention_parameters(model)
    dense_layers, expert_layers = _mlp_layers(model)
    mlp = dense_layers * model.mlp_matrices * model.hidden_size * model.intermediate_size
    shared, router, routed, picked = _expert_parameters(model, expert_layers)
    head = model.vocab_size * model.hidden_size
    sampled = 0 if model.pooling else head
    fixed = enqueuer * attention_size + mlp * mlp_size + shared * shared_size + (router + sampled) * layout.plain
    cache_full, cache_windowed = _cache_bytes(model, engine)
    decode, prefill = _attention_flops(model)
    window = model.sliding_window
    return Footprint(
        fixed_bytes=fixed / shards,
        expert_bytes=routed * layout.linear / shards,
        state_bytes=_state_elements(model.linear_attention, model.num_hidden_layers) * STATE_BYTES / shards,
        cache_bytes_full=cache_full,
        cache_bytes_windowed=cache_windowed,
        window=window.window if window is not None else 0,
        dense_flops=FLOPS_PER_WEIGHT * (enqueuer + mlp + shared + router) / shards,
        expert_flops=FLOPS_PER_WEIGHT * picked / shards,
        head_flops=FLOPS_PER_WEIGHT * sampled / shards,
        attention_flops_decode=decode / shards,
        attention_flops_prefill=prefill / shards,
        windowed_share=window.num_layers / model.num_hidden_layers if window is not None else 0.0,
        picks=model.experts.num_experts_per_token if model.experts is not None else 0,
        num_experts=model.experts.num_experts if model.experts is not None else 0,
        expert_layers=expert_layers,
        layers=model.num_hidden_layers,
        hidden_size=model.hidden_size,
    )


def growing_layers(model: Model) -> int:
    """Layers whose KV cache grows with the context (hybrid models keep a fixed state in the others)."""
    linear = model.linear_attention
    return model.num_hidden_layers // linear.full_attention_interval if linear is not None else model.num_hidden_layers


def _attention_parameters(model: Model) -> float:
    """Return the attention weights of all layers together."""
    latent, linear = model.latent_attention, model.linear_attention
    growing = growing_layers(model)
    if latent is not None:
        return growing * _latent_parameters(model, latent)
    query = model.num_attention_heads * model.head_dim
    key_value = model.num_key_value_heads * model.head_dim
    gate = query if model.attention_output_gate else 0
    full = growing * model.hidden_size * (2 * query + gate + 2 * key_value)
    if linear is None:
        return full
    keys = linear.num_key_heads * linear.key_head_dim
    values = linear.num_value_heads * linear.value_head_dim
    return full + (model.num_hidden_layers - growing) * model.hidden_size * (2 * keys + 3 * values)


def _latent_parameters(model: Model, latent: LatentAttention) -> float:
    heads, hidden = model.num_attention_heads, model.hidden_size
    query_width = latent.qk_nope_head_dim + latent.qk_rope_head_dim
    rank = latent.q_lora_rank
    query = hidden * rank + rank * heads * query_width if rank else hidden * heads * query_width
    down = hidden * (latent.kv_lora_rank + latent.qk_rope_head_dim)
    up = latent.kv_lora_rank * heads * (latent.qk_nope_head_dim + latent.v_head_dim)
    return query + down + up + heads * latent.v_head_dim * hidden


def _mlp_layers(model: Model) -> tuple[int, int]:
    """Return (layers with a dense MLP, layers with routed experts)."""
    if model.experts is None:
        return model.num_hidden_layers, 0
    dense = min(model.experts.first_dense_layers, model.num_hidden_layers)
    routed = model.num_hidden_layers - dense
    return (model.num_hidden_layers if model.experts.dense_mlp_in_every_layer else dense), routed


def _expert_parameters(model: Model, layers: int) -> tuple[float, float, float, float]:
    """Return parameters of (shared experts, router, all routed experts, the experts one token picks)."""
    experts = model.experts
    if experts is None:
        return 0.0, 0.0, 0.0, 0.0
    one = GATED * model.hidden_size * experts.intermediate_size
    shared_width = experts.shared_expert_intermediate_size or experts.num_shared_experts * experts.intermediate_size
    return (
        layers * GATED * model.hidden_size * shared_width,
        layers * model.hidden_size * experts.num_experts,
        layers * experts.num_experts * one,
        layers * _picks(experts) * one,
    )


def _picks(experts: Experts) -> int:
    return min(experts.num_experts_per_token, experts.num_experts)


def _cache_bytes(model: Model, engine: EngineSettings) -> tuple[float, float]:
    """Return KV-cache bytes per token and GPU of (full, sliding-window) layers.

    MLA keeps one compressed vector per layer on every GPU; other caches are divided by heads, and a head is never
    split.
    """
    element = 1.0 if engine.kv_cache_dtype.startswith(ONE_BYTE_CACHES) else 2.0
    latent = model.latent_attention
    if latent is not None:
        return growing_layers(model) * (latent.kv_lora_rank + latent.qk_rope_head_dim) * element, 0.0
    per_gpu = max(1.0, model.num_key_value_heads / engine.tensor_parallel_size)
    per_layer = 2 * per_gpu * model.head_dim * element
    window = model.sliding_window
    windowed = min(window.num_layers, model.num_hidden_layers) if window is not None else 0
    return (growing_layers(model) - windowed) * per_layer, windowed * per_layer


def _attention_flops(model: Model) -> tuple[float, float]:
    """Return operations per token and token of context, all layers: (decode, prefill).

    Scores and weighted sum are two products. MLA decodes on the compressed vectors (weights absorbed into the query)
    and prefills on the expanded ones (DeepSeek-V2 paper, arXiv 2405.04434, section 2.1).
    """
    layers, heads = growing_layers(model), model.num_attention_heads
    latent = model.latent_attention
    if latent is None:
        both = FLOPS_PER_WEIGHT * 2 * layers * heads * model.head_dim
        return both, both
    compressed = 2 * latent.kv_lora_rank + latent.qk_rope_head_dim
    expanded = latent.qk_nope_head_dim + latent.qk_rope_head_dim + latent.v_head_dim
    return FLOPS_PER_WEIGHT * layers * heads * compressed, FLOPS_PER_WEIGHT * layers * heads * expanded


def _state_elements(linear: LinearAttention | None, layers: int) -> float:
    if linear is None:
        return 0.0
    recurrent = layers - layers // linear.full_attention_interval
    return float(recurrent * linear.num_value_heads * linear.key_head_dim * linear.value_head_dim)
