"""Whether vLLM accepts a tensor parallel size for a model at all.

In: model facts. Out: the problem in words, or None. Pure. Source: vLLM config/model.py verify_with_parallel_config
(heads), vocab_parallel_embedding.py (padded vocabulary), linear.py divide().
"""

from inferfleet.domain.model import Model
from inferfleet.plan.memory.matrices import padded
from inferfleet.plan.memory.weights import VOCABULARY_MULTIPLE


def tensor_parallel_problem(model: Model, tensor_parallel_size: int) -> str | None:
    """Return why vLLM refuses this tensor parallel size, None when it takes it; raises ValueError below 1."""
    size = tensor_parallel_size
    if size < 1:
        raise ValueError(f"tensor_parallel_size is {size}; accepted: 1 and more")
    vocabulary = padded(model.vocab_size, VOCABULARY_MULTIPLE)
    parts = [("attention heads", model.num_attention_heads), ("the padded vocabulary of", vocabulary)]
    if model.experts is None or model.experts.first_dense_layers or model.experts.dense_mlp_in_every_layer:
        parts.append(("the MLP width of", model.intermediate_size))
    for name, count in parts:
        if count % size:
            return f"{size} GPUs do not divide {name} {count}"
    heads = model.num_key_value_heads
    if model.latent_attention is None and max(heads, size) % min(heads, size):
        return f"{size} GPUs neither divide nor are divided by {heads} key/value heads"
    return None
