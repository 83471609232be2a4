"""What vLLM or the GPU would refuse: a precision without kernels, an unknown cache type, a request that is too long.

In: a model, an engine version and what is asked for. Out: what is wrong in words that name what is accepted, or None.
Only full names are compared, as vLLM does.
"""

from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.catalog.engine_flags import NEWEST_CAPTURED, flag_table, version_key
from inferfleet.domain.gpu import GPU
from inferfleet.domain.model import Model
from inferfleet.domain.traffic import stated_request
from inferfleet.engine.settings import DEFAULT_VERSION

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


# Least compute capability per precision. 16-bit brain floats: NVIDIA Ampere tuning guide (8.0). FP8 tensor cores: Ada
# 8.9 and Hopper 9.0 tuning guides. NVFP4 and MXFP8: Blackwell 10.0. AWQ, GPTQ and INT8 kernels: vLLM docs, "Supported
# Hardware" table of quantisation (Turing 7.5 and newer). MXFP4 runs through Marlin kernels from Ampere on (vLLM 0.11,
# mxfp4.py).
LEAST_CAPABILITY: dict[str, tuple[int, int]] = {
    "bfloat16": (8, 0),
    "fp8": (8, 9),
    "fbgemm_fp8": (8, 9),
    "fp8_per_tensor": (8, 9),
    "fp8_per_block": (8, 9),
    "mxfp8": (10, 0),
    "nvfp4": (10, 0),
    "modelopt_fp4": (10, 0),
    "mxfp4": (8, 0),
    "awq": (7, 5),
    "awq_marlin": (8, 0),
    "gptq": (7, 5),
    "gptq_marlin": (8, 0),
    "int8": (7, 5),
    "bitsandbytes": (7, 0),
}
# Formats that vLLM's ROCm build has no kernels for (vLLM docs, "Supported Hardware"; MXFP8: "Online Quantization").
NOT_ON_AMD = frozenset({"awq_marlin", "gptq_marlin", "bitsandbytes", "mxfp8", "nvfp4", "modelopt_fp4"})


def precision_problem(spec: InferenceDeploymentSpec, model: Model, gpu: GPU) -> str | None:
    """Say what weights, activations or KV cache need that the GPU or vLLM lacks, None when nothing is lacking."""
    asked = spec.model.quantization
    problem = quantization_problem(model, asked, spec.engine.version or DEFAULT_VERSION)
    if problem is not None:
        return problem
    wanted = [asked or model.quantization, model.dtype]
    if spec.engine.kv_cache_dtype.startswith("fp8"):
        wanted.append("fp8")
    return next((problem for precision in wanted if precision and (problem := _lacks(gpu, precision))), None)


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


def _lacks(gpu: GPU, precision: str) -> str | None:
    if gpu.compute_capability is None:
        return f"{precision} has no kernels for {gpu.name}" if precision in NOT_ON_AMD else None
    least = LEAST_CAPABILITY.get(precision)
    if least is None or gpu.compute_capability >= least:
        return None
    have, need = (".".join(map(str, version)) for version in (gpu.compute_capability, least))
    return f"{precision} needs compute capability {need}; {gpu.name} has {have}"
