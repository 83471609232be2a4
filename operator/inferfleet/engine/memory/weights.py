"""Bytes of weights on one GPU: what vLLM prints as "Model loading took".

In: model facts and engine settings. Out: bytes of one rank of one pipeline stage. Pure. The printed figure is what
PyTorch's allocator holds, so each tensor is counted as the allocator rounds it. Source: vLLM
vocab_parallel_embedding.py (padding), rotary_embedding/ (tables), PyTorch c10/cuda/CUDACachingAllocator.cpp, and the
logs named in docs/memory-model.md.
"""

import math
from collections.abc import Callable
from functools import lru_cache

from inferfleet.catalog.memory_laws import MemoryLaw
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import MIB
from inferfleet.domain.model import Model
from inferfleet.engine.memory.formats import WeightFormat, weight_format
from inferfleet.engine.memory.matrices import Kernels, Part, Stage, layer_matrices, padded, pipeline_stages

VOCABULARY_MULTIPLE = 64  # vLLM pads the vocabulary to this (vocab_parallel_embedding.py, DEFAULT_VOCAB_PADDING_SIZE)
MXFP4_HIDDEN_MULTIPLE = 256  # 2880 -> 3072 in the loaded gpt-oss weights
LARGE_ALLOCATION = 10 * MIB  # from here the allocator takes a segment of its own, in steps of 2 MiB (kMinLargeAlloc)
SEGMENT_STEP = 2 * MIB  # kRoundLarge
UNSPLIT_REST = MIB  # a rest up to this stays with the tensor (kSmallSize)
# A checkpoint's size on disk corrects the shapes when they disagree by more than rounding and less than a second copy.
WORTH_CORRECTING = 0.01
BELIEVABLE = 0.5


def weight_bytes(model: Model, engine: EngineSettings, law: MemoryLaw, stage: Stage) -> float:
    """Return bytes of weights and rotary tables on one GPU of this stage."""
    layout = weight_format(model, engine)
    kernels = Kernels(copies_up_projection=law.latent_cache, absorbs_query=law.absorbs_query)
    if layout.method == "mxfp4":
        kernels = Kernels(hidden_multiple=MXFP4_HIDDEN_MULTIPLE, width_multiple=law.mxfp4_intermediate_multiple)
    held = _tensor_bytes(model, engine, stage, kernels, rounded=allocated)
    return held * _disk_correction(model, engine) + _rotary_bytes(model, layout.plain)


def checkpoint_bytes(model: Model, dtype: str = "bfloat16") -> float:
    """Return bytes of one copy of the weights as the shapes imply them, without what the engine adds."""
    alone = EngineSettings(
        version="0", tensor_parallel_size=1, max_model_len=1, max_num_seqs=1, max_num_batched_tokens=1,
        gpu_memory_utilization=1.0, dtype=dtype,
    )  # fmt: skip
    whole = pipeline_stages(model.num_hidden_layers, 1)[0]
    return _tensor_bytes(model, alone, whole, Kernels(), rounded=float)


@lru_cache(maxsize=4096)
def _disk_correction(model: Model, engine: EngineSettings) -> float:
    """Return the factor between the size on disk and the size that the shapes imply; 1 where both agree.

    It carries what the shapes cannot show: towers, mixed precision, state-space layers. Not applied where the engine
    changes the format itself (on-the-fly quantisation, 32-bit checkpoints, MXFP4 padding).
    """
    converts = model.dtype == "float32" or engine.dtype == "float32" or model.quantization == "mxfp4"
    if model.weight_bytes is None or converts or (engine.quantization is not None and model.quantization is None):
        return 1.0
    factor = model.weight_bytes / checkpoint_bytes(model)
    return factor if WORTH_CORRECTING < abs(factor - 1) < BELIEVABLE else 1.0


def _tensor_bytes(
    model: Model,
    engine: EngineSettings,
    stage: Stage,
    kernels: Kernels,
    *,
    rounded: Callable[[float], float],
) -> float:
    """Sum all tensors of a stage, each `rounded` as its holder rounds."""
    layout = weight_format(model, engine)
    sixteen_bit_share = _sixteen_bit_share(model, layout)
    layers = 0.0
    for matrix in layer_matrices(model, engine, stage, kernels):
        plain = matrix.count * rounded(matrix.parameters * layout.plain)
        if _in_sixteen_bits(matrix.part, layout):
            layers += plain
            continue
        scales = (matrix.parameters - matrix.padding) * layout.scales
        quantised = matrix.count * (rounded(matrix.parameters * (layout.linear - layout.scales)) + scales)
        layers += quantised * (1 - sixteen_bit_share) + plain * sixteen_bit_share
    tower = model.vision_parameters * layout.plain / engine.tensor_parallel_size if stage.first else 0.0
    return layers + _embedding_bytes(model, engine, stage, layout, rounded) + tower


def _in_sixteen_bits(part: Part, layout: WeightFormat) -> bool:
    detail = layout.detail
    if part is Part.PLAIN or detail is None:
        return True
    return (
        (part is Part.ATTENTION and detail.attention_in_16_bits)
        or (part is Part.DENSE_MLP and detail.dense_mlp_in_16_bits)
        or (part is Part.SHARED_EXPERTS and detail.shared_experts_in_16_bits)
    )


def _sixteen_bit_share(model: Model, layout: WeightFormat) -> float:
    """Share of the layers that a quantised checkpoint leaves in 16 bits as a whole."""
    if layout.detail is None:
        return 0.0
    return min(1.0, layout.detail.layers_in_16_bits / model.num_hidden_layers)


def allocated(size: float) -> float:
    """Return what PyTorch's caching allocator counts for a tensor of `size` bytes.

    Large tensors get segments in steps of 2 MiB; a rest of at most 1 MiB is not split off and counts with the tensor
    (Qwen2.5-7B: 56 MiB over 28 layers, seen as 14.25 instead of 14.19 GiB).
    """
    if size < LARGE_ALLOCATION:
        return size
    segment = math.ceil(size / SEGMENT_STEP) * SEGMENT_STEP
    return segment if segment - size <= UNSPLIT_REST else size


def _embedding_bytes(
    model: Model, engine: EngineSettings, stage: Stage, layout: WeightFormat, rounded: Callable[[float], float]
) -> float:
    vocabulary = padded(model.vocab_size, VOCABULARY_MULTIPLE)
    table = vocabulary * model.hidden_size / engine.tensor_parallel_size
    head_size = layout.linear if layout.detail is not None and layout.detail.head_quantized else layout.plain
    if model.tie_word_embeddings:
        return rounded(table * layout.plain) if stage.first or stage.last else 0.0
    head = rounded(table * head_size) if stage.last and not model.pooling else 0.0
    return (rounded(table * layout.plain) if stage.first else 0.0) + head


def _rotary_bytes(model: Model, plain: float) -> float:
    """Return bytes of the cosine/sine tables, one for each kind of rotation: positions x rotated dimensions."""
    positions = model.rope_positions or model.max_position_embeddings
    latent, window = model.latent_attention, model.sliding_window
    table = positions * (latent.qk_rope_head_dim if latent else model.head_dim) * plain
    if window is not None and model.rope_positions is not None and window.num_layers < model.num_hidden_layers:
        table += model.max_position_embeddings * model.head_dim * plain  # local layers rotate with a base of their own
    return table
