"""The activation peak: what the allocator holds beyond the weights during vLLM's profiling run.

In: model facts, engine settings, the law of the version. Out: bytes per GPU. Pure. Forms and coefficients: the head of
catalog/data/memory_laws.yaml; the expert workspace is vLLM's fused_moe modular kernel's two buffers.
"""

from inferfleet.catalog.memory_laws import MemoryLaw
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import GIB
from inferfleet.domain.model import Experts, Model
from inferfleet.engine.memory.formats import canonical_method
from inferfleet.engine.memory.matrices import Stage

LOGIT_BYTES = 4  # the sampler works on 32-bit logits
V0_WHOLE_LENGTH_LIMIT = 32768  # above it V0 turned chunked prefill on by itself
V0_CHUNK = 2048


def profiled_tokens(engine: EngineSettings, law: MemoryLaw) -> int:
    """Return the tokens of the profiling run: the batch in V1, the whole length in V0 without chunked prefill.

    Source: vLLM 0.6.3 engine/arg_utils.py (use_long_context) and worker/model_runner.py profile_run.
    """
    if not law.profiles_whole_length:
        return engine.max_num_batched_tokens
    if engine.max_model_len > V0_WHOLE_LENGTH_LIMIT:
        return V0_CHUNK
    return max(engine.max_model_len, engine.max_num_batched_tokens)


def activation_bytes(model: Model, engine: EngineSettings, law: MemoryLaw, stage: Stage) -> float:
    """Return the allocator's peak above the weights on one GPU of this stage."""
    tokens = profiled_tokens(engine, law)
    size = 4 if engine.dtype == "float32" else 2
    coefficients = law.activation
    width = _mlp_width(model) / engine.tensor_parallel_size
    forward = tokens * (coefficients.intermediate * width + coefficients.hidden * model.hidden_size) * size
    rows = min(engine.max_num_seqs, tokens)
    logits = coefficients.logits_copies * rows * model.vocab_size * LOGIT_BYTES
    sampler = logits + coefficients.sampler_hidden * tokens * model.hidden_size * size + coefficients.sampler_gib * GIB
    peak = max(forward, sampler) if stage.last and not model.pooling else forward
    peak = max(peak, coefficients.floor_gib * GIB)
    if model.experts is not None and coefficients.expert_workspace:
        peak += _expert_workspace(model, model.experts, engine, tokens, size)
    return peak


def _mlp_width(model: Model) -> float:
    """Width of the widest dense MLP that runs; a mixture without dense layers has none."""
    experts = model.experts
    if experts is None or experts.first_dense_layers or experts.dense_mlp_in_every_layer:
        return model.intermediate_size
    return experts.shared_expert_intermediate_size or experts.num_shared_experts * experts.intermediate_size


def _expert_workspace(model: Model, experts: Experts, engine: EngineSettings, tokens: int, size: int) -> float:
    """Two buffers of the fused expert kernel, kept allocated; MXFP4 kernels need none."""
    if model.quantization is not None and canonical_method(model.quantization) == "mxfp4":
        return 0.0
    routed = tokens * experts.num_experts_per_token
    width = routed * experts.intermediate_size / engine.tensor_parallel_size
    return size * (max(2 * width, routed * model.hidden_size) + width)
