"""What vLLM itself would refuse: a quantisation that it cannot make, a cache type it does not know, a request too long.

In: a model, an engine version and what is asked for. Out: what is wrong in words that name what is accepted, or None.
Only full names are compared, as vLLM does.
"""

from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.catalog.engine_flags import NEWEST_CAPTURED, flag_table, version_key
from inferfleet.domain.model import Model
from inferfleet.domain.traffic import stated_request

# What vLLM makes of 16-bit weights while it loads them, and since which version (docs.vllm.ai, "FP8", "BitsAndBytes",
# "Online Quantization" of 0.20 and 0.29). Left out is what the memory model would count wrongly: mxfp4 (here the mixed
# format of published checkpoints), experts_int8 and int8_per_channel_weight_only (experts alone).
WHILE_LOADING: dict[str, tuple[int, ...]] = {
    "fp8": (),
    "bitsandbytes": (),
    "fp8_per_tensor": (0, 20),
    "fp8_per_block": (0, 20),
    "mxfp8": (0, 29),
}


def quantization_problem(model: Model, asked: str | None, version: str) -> str | None:
    """Say why vLLM of this version cannot serve the model quantised as asked, None when it can."""
    stored = model.quantization
    if asked is None or asked == stored:
        return None
    if stored is not None:
        return f"the checkpoint is quantised as {stored}; vLLM cannot make it {asked}"
    able = [method for method, since in WHILE_LOADING.items() if version_key(version) >= since]
    if asked in able:
        return None
    return (
        f"{model.id} has {model.dtype} weights, and vLLM {version} cannot make them {asked} while loading; it can make "
        f"{', '.join(able)}; for {asked} name a checkpoint that is quantised so"
    )


def kv_cache_problem(kv_cache_dtype: str, version: str) -> str | None:
    """Say what vLLM accepts as the type of the KV cache, None when this is one of them.

    A version whose flags were never captured is held against the newest: no type has gone so far.
    """
    table = flag_table(version) or flag_table(NEWEST_CAPTURED)
    assert table is not None
    return table.by_option["--kv-cache-dtype"].problem(kv_cache_dtype)


def request_problem(spec: InferenceDeploymentSpec, model: Model) -> str | None:
    """Say that the context cannot hold the mean request, None when it can."""
    request, where = stated_request(spec), "traffic" if spec.traffic is not None else "batch"
    fields = f"spec.{where}.inputTokens + spec.{where}.outputTokens: a mean request of {request} tokens"
    context = spec.engine.max_model_len
    if context is not None and request > context:
        return f"{fields} does not fit into the {context} of spec.engine.maxModelLen"
    if request > model.max_position_embeddings:
        return f"{fields} does not fit into the {model.max_position_embeddings} positions of {model.id}"
    return None
