"""What a model is: the facts of its config.json that decide memory and speed.

Field names are those of Hugging Face `config.json`. Built from the catalogue, a `ModelProfile` or the hub.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Experts:
    """The mixture part of a mixture-of-experts model.

    `dense_mlp_in_every_layer`: the model's dense MLP stands beside the experts of each layer (Gemma 4).
    """

    num_experts: int
    num_experts_per_token: int
    intermediate_size: int
    num_shared_experts: int = 0
    shared_expert_intermediate_size: int | None = None
    first_dense_layers: int = 0
    dense_mlp_in_every_layer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentAttention:
    """Multi-head latent attention (MLA): the cache holds one compressed vector per token and layer."""

    kv_lora_rank: int
    qk_rope_head_dim: int
    qk_nope_head_dim: int
    v_head_dim: int
    q_lora_rank: int | None = None
    index_head_dim: int | None = None
    index_num_heads: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlidingWindow:
    """Layers that attend to the last `window` tokens only; the others attend to everything."""

    window: int
    num_layers: int
    global_head_dim: int | None = None
    global_num_key_value_heads: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearAttention:
    """Hybrid models: only one layer in `full_attention_interval` keeps a growing cache."""

    full_attention_interval: int
    num_key_heads: int = 0
    num_value_heads: int = 0
    key_head_dim: int = 0
    value_head_dim: int = 0
    convolution_kernel: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationDetail:
    """How the linear weights of a checkpoint are stored, and which of them were left in 16 bits.

    `bits` per weight; `group_size` weights share one 16-bit scale (None: one scale per row, negligible);
    `zero_points`: a zero point of `bits` per group beside the scale; `scale_bits` per weight in formats whose scales
    are of another width (MXFP4, NVFP4). `block_size`: scales of square blocks, which tensor parallelism must not cut.
    `layers_in_16_bits` counts whole layers. Embedding, head, router, norms and vision tower are always taken as 16 bits
    unless `head_quantized`.
    """

    bits: float
    group_size: int | None = None
    zero_points: bool = False
    scale_bits: float = 0.0
    block_size: int | None = None
    attention_in_16_bits: bool = False
    dense_mlp_in_16_bits: bool = False
    shared_experts_in_16_bits: bool = False
    layers_in_16_bits: int = 0
    head_quantized: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Architecture facts of one model.

    `quantization` is what the checkpoint says (`fp8`, `awq`, `gptq`, `mxfp4`, `compressed-tensors`, ...; None: 16 or 32
    bits as `dtype` says). `weight_bytes` is the size of one copy of the weights on disk, None when unknown;
    `parameters` counts all parameters, experts and vision tower included, None: derived from the shape.
    `quantization_detail` says how those weights are stored (None: as is usual for the method).
    `attention_output_gate`: the query projection is twice as wide (Qwen3-Next). `attention_key_is_value`: global layers
    have no value projection (Gemma 4). `rope_positions`: rows of the rotary table when they differ from
    `max_position_embeddings`. `mlp_matrices` is 3 for gated MLPs (gate, up, down), 2 without a gate. `pooling` models
    embed, rank or classify. `vision_dynamic_resolution`: an image may become as many tokens as the context holds.
    """

    id: str
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    tie_word_embeddings: bool = False
    dtype: str = "bfloat16"
    quantization: str | None = None
    quantization_detail: QuantizationDetail | None = None
    attention_output_gate: bool = False
    attention_key_is_value: bool = False
    mlp_matrices: int = 3
    experts: Experts | None = None
    latent_attention: LatentAttention | None = None
    sliding_window: SlidingWindow | None = None
    linear_attention: LinearAttention | None = None
    vision_parameters: int = 0
    vision_dynamic_resolution: bool = False
    parameters: int | None = None
    weight_bytes: int | None = None
    num_kv_shared_layers: int = 0
    rope_positions: int | None = None
    cross_attention_layers: int = 0
    pooling: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownModel:
    """Why no facts are known: a candidate cannot be judged without them. `pending`: somebody is being asked."""

    id: str
    message: str
    pending: bool = False
