"""The engine settings that a demand and a GPU lead to: what is asked, else documented defaults, all made explicit.

Nothing is left to vLLM's own defaults, because they depend on the version and on the size of the device
(vLLM `vllm/engine/arg_utils.py`), and with them the memory that the decision counts on.
"""

from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.model import Model
from inferfleet.domain.traffic import Traffic, traffic_of

# The newest version whose flags were captured (catalog/data/vllm-0.32.json).
DEFAULT_VERSION = "0.32.0"
# 0.90 was vLLM's default up to 0.23; 0.92 since. The lower one leaves room for what starts late (memory-model.md 3).
DEFAULT_UTILIZATION = 0.90
DEFAULT_MAX_NUM_SEQS = 256
# vLLM's own server default by device memory: 8192 from 70 GiB, 2048 below (vllm/engine/arg_utils.py, V1).
LARGE_DEVICE_GIB = 70.0
LARGE_DEVICE_BATCHED_TOKENS = 8192
SMALL_DEVICE_BATCHED_TOKENS = 2048
# Context when none is asked: room for requests four times the mean, at least 8192 tokens, at most what the model knows.
CONTEXT_FLOOR = 8192
CONTEXT_MEANS = 4
CONTEXT_STEP = 1024


def engine_settings(spec: InferenceDeploymentSpec, model: Model, gpu: GPU, tensor_parallel_size: int) -> EngineSettings:
    """Return the settings of one replica of what is asked on this GPU type."""
    engine = spec.engine
    sequences, tokens = batch_limits(gpu, engine.max_num_seqs, engine.max_num_batched_tokens)
    return EngineSettings(
        version=engine.version or DEFAULT_VERSION,
        tensor_parallel_size=tensor_parallel_size,
        max_model_len=engine.max_model_len or default_context(model, traffic_of(spec)),
        max_num_seqs=sequences,
        max_num_batched_tokens=tokens,
        gpu_memory_utilization=float(engine.gpu_memory_utilization)
        if engine.gpu_memory_utilization is not None
        else DEFAULT_UTILIZATION,
        kv_cache_dtype=engine.kv_cache_dtype,
        quantization=on_the_fly_quantization(model, spec.model.quantization),
        dtype=model.dtype,
    )


def default_context(model: Model, traffic: Traffic) -> int:
    """Return the context in tokens when nobody names one, never more than the model was trained for."""
    wanted = CONTEXT_MEANS * (traffic.input_tokens + traffic.output_tokens)
    rounded = -(-wanted // CONTEXT_STEP) * CONTEXT_STEP
    return min(model.max_position_embeddings, max(CONTEXT_FLOOR, rounded))


def batch_limits(gpu: GPU, sequences: int | None, tokens: int | None) -> tuple[int, int]:
    """Return sequences and tokens per engine step; what is not given follows what is.

    vLLM refuses to start with fewer tokens than sequences (`vllm/config/scheduler.py`, SchedulerConfig).
    """
    if tokens is None:
        tokens = max(default_batched_tokens(gpu), sequences or 0)
    return min(DEFAULT_MAX_NUM_SEQS, max(1, tokens)) if sequences is None else sequences, tokens


def default_batched_tokens(gpu: GPU) -> int:
    """Return the tokens per engine step when nobody names them: vLLM's own server default by device memory."""
    return LARGE_DEVICE_BATCHED_TOKENS if gpu.memory_gib >= LARGE_DEVICE_GIB else SMALL_DEVICE_BATCHED_TOKENS


def on_the_fly_quantization(model: Model, asked: str | None) -> str | None:
    """Return the quantisation that the engine must do itself; None when the checkpoint already is as asked."""
    return None if asked is None or asked == model.quantization else asked
