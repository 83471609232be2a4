"""Other tools' rules, re-implemented on the same facts: naive x1.2, KAITO, llm-d planner, hf-mem.

In: a case. Out: an `Answer`. These are formulas read in the tools' public sources and documents (2026), fed with this
project's architecture facts; they are not runs of the tools. Sums of weight files are taken from the shapes without
padding.
"""

from benchmarks.memory.answers import Answer, Estimator
from benchmarks.memory.cases import Case
from inferfleet.domain.memory import GIB, Fit
from inferfleet.domain.model import Model, UnknownModel
from inferfleet.engine.memory import checkpoint_bytes, weight_format

NAIVE_FACTOR = 1.2
# KAITO (Apache-2.0): weight files x 1.02; nominal memory x 0.84 (A10: 0.82); 2.3 GiB and 5 % of the weights per GPU.
KAITO_FILES, KAITO_SHARE, KAITO_SHARE_A10, KAITO_GIB, KAITO_WEIGHTS = 1.02, 0.84, 0.82, 2.3, 0.05
# llm-d planner (Apache-2.0): activation by architecture, non-torch by tensor parallelism, no graphs.
LLMD_DENSE, LLMD_MIXTURE, LLMD_VISION, LLMD_SINGLE, LLMD_SEVERAL = 5.5, 8.0, 2.5, 0.15, 0.6


def naive(case: Case) -> Answer | None:
    """Parameters x bytes x 1.2 against the memory of the card, whatever the engine does."""
    model = case.model
    if isinstance(model, UnknownModel):
        return None
    gpus = _gpus(case)
    parameters = model.parameters or _files(case, model) / 2
    weights = parameters * weight_format(model, case.engine).linear / GIB / gpus
    room = case.gpu.memory_gib - NAIVE_FACTOR * weights
    return Answer(weights_gib=weights, kv_cache_gib=room, fit=_verdict(room >= 0))


def kaito(case: Case) -> Answer | None:
    """KAITO's preset planner as shipped; the cache is always 16 bits and divided by the GPUs."""
    model = case.model
    if isinstance(model, UnknownModel):
        return None
    weights = _files(case, model) * KAITO_FILES / GIB / _gpus(case)
    share = KAITO_SHARE_A10 if "A10" in case.gpu.product and "A100" not in case.gpu.product else KAITO_SHARE
    room = case.gpu.memory_gib * share - KAITO_GIB - (1 + KAITO_WEIGHTS) * weights
    need = case.engine.max_model_len * _token_bytes(model) / GIB / _gpus(case)
    return Answer(weights_gib=weights, kv_cache_gib=room, fit=_verdict(room >= need))


def llmd(case: Case) -> Answer | None:
    """The llm-d planner's capacity arithmetic with the row's own utilisation."""
    model = case.model
    if isinstance(model, UnknownModel):
        return None
    weights = _files(case, model) / GIB / _gpus(case)
    activation = LLMD_VISION if model.vision_parameters else LLMD_MIXTURE if model.experts else LLMD_DENSE
    non_torch = LLMD_SINGLE if case.engine.tensor_parallel_size == 1 else LLMD_SEVERAL
    room = case.gpu.memory_gib * case.engine.gpu_memory_utilization - weights - activation - non_torch
    need = case.engine.max_model_len * _token_bytes(model) / GIB / _gpus(case)
    return Answer(weights_gib=weights, kv_cache_gib=room, fit=_verdict(room >= need))


def hf_mem(case: Case) -> Answer | None:
    """Sum of safetensors and the cache of one request against the memory of the cards, as hf-mem; no reserve."""
    model = case.model
    if isinstance(model, UnknownModel):
        return None
    weights = _files(case, model) / GIB / _gpus(case)
    length = case.engine.max_model_len
    capped = min(length, model.sliding_window.window) if model.sliding_window else length
    sliding = model.sliding_window.num_layers / model.num_hidden_layers if model.sliding_window else 0.0
    tokens = (1 - sliding) * length + sliding * capped
    need = tokens * model.num_hidden_layers * 4 * model.num_key_value_heads * model.head_dim / GIB / _gpus(case)
    room = case.gpu.memory_gib - weights
    return Answer(weights_gib=weights, kv_cache_gib=room, fit=_verdict(room >= need))


PEERS: dict[str, Estimator] = {
    "naive: parameters x bytes x 1.2": naive,
    "KAITO as shipped": kaito,
    "llm-d planner": llmd,
    "hf-mem": hf_mem,
}


def _gpus(case: Case) -> int:
    return case.engine.tensor_parallel_size * case.engine.pipeline_parallel_size


def _files(case: Case, model: Model) -> float:
    """Bytes of the weight files, as the shapes imply them."""
    return checkpoint_bytes(model, case.engine.dtype)


def _token_bytes(model: Model) -> float:
    latent = model.latent_attention
    if latent is not None:
        return model.num_hidden_layers * (latent.kv_lora_rank + latent.qk_rope_head_dim) * 2
    return model.num_hidden_layers * 2 * model.num_key_value_heads * model.head_dim * 2


def _verdict(fits: bool) -> Fit:
    return Fit.FITS if fits else Fit.DOES_NOT_FIT
