"""Whether vLLM accepts a tensor parallel size for a model at all.

In: model facts. Out: the problem in words, or None. Pure. Source: vLLM config/model.py verify_with_parallel_config
(heads), vocab_parallel_embedding.py (padded vocabulary), linear.py divide(), and the quantised layers' own checks:
quantization/fp8.py (blocks), utils/marlin_utils.py verify_marlin_supports_shape (groups).
"""

from inferfleet.domain.model import Model
from inferfleet.engine.memory.formats import usual_detail
from inferfleet.engine.memory.matrices import padded
from inferfleet.engine.memory.weights import VOCABULARY_MULTIPLE


def tensor_parallel_problem(model: Model, tensor_parallel_size: int, *, expert_parallel: bool = False) -> str | None:
    """Return why vLLM refuses this tensor parallel size, None when it takes it; raises ValueError below 1.

    With `expert_parallel` the experts stay whole.
    """
    size = tensor_parallel_size
    if size < 1:
        raise ValueError(f"tensor_parallel_size is {size}; accepted: 1 and more")
    parts = [
        ("attention heads", model.num_attention_heads),
        ("the padded vocabulary of", padded(model.vocab_size, VOCABULARY_MULTIPLE)),
    ]
    if _has_dense_mlp(model):
        parts.append(("the MLP width of", model.intermediate_size))
    for name, count in parts:
        if count % size:
            return f"{size} GPUs do not divide {name} {count}"
    heads = model.num_key_value_heads
    if model.latent_attention is None and max(heads, size) % min(heads, size):
        return f"{size} GPUs neither divide nor are divided by {heads} key/value heads"
    return _cut_problem(model, size, expert_parallel=expert_parallel)


def _has_dense_mlp(model: Model) -> bool:
    experts = model.experts
    return experts is None or experts.first_dense_layers > 0 or experts.dense_mlp_in_every_layer


def _cut_problem(model: Model, size: int, *, expert_parallel: bool) -> str | None:
    """Say where a share would cut through a block or group of weights that share one scale.

    Qwen3-235B-A22B-FP8 on eight GPUs is the known case: 1536 / 8 = 192 is no multiple of 128.
    """
    detail = model.quantization_detail or usual_detail(model.quantization)
    step = detail and (detail.block_size or detail.group_size)
    if not step or detail is None or size == 1:
        return None
    widths = []
    if _has_dense_mlp(model) and not detail.dense_mlp_in_16_bits:
        widths.append(("the MLP width", model.intermediate_size))
    if model.experts is not None and not expert_parallel:
        widths.append(("the expert width", model.experts.intermediate_size))
    for name, width in widths:
        if width % step == 0 and (width // size) % step:
            return f"{size} GPUs cut {name} {width} into {width // size}, no multiple of the quantisation's {step}"
    return None
