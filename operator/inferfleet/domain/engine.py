"""How the engine is told to run: exactly the vLLM flags that decide memory and speed, in vLLM's own spelling."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """vLLM settings of one replica; every field is rendered as the flag of the same name.

    `version` is the engine version ("0.32.0") whose memory law applies. `quantization` is on-the-fly quantisation
    (None: as the checkpoint says). `dtype` is the computation type (`bfloat16`, `float16`, `float32`).
    `gpu_memory_utilization` is the share of the device's memory vLLM may use, between 0 and 1.
    `expert_parallel` shards experts by number instead of by width. `pipeline_parallel_size` other than 1 occurs only
    in measured cases: the operator itself places a replica inside one node with tensor parallelism. The same holds for
    `data_parallel_size`: engines that share one set of experts under expert parallelism.
    """

    version: str
    tensor_parallel_size: int
    max_model_len: int
    max_num_seqs: int
    max_num_batched_tokens: int
    gpu_memory_utilization: float
    kv_cache_dtype: str = "auto"
    quantization: str | None = None
    dtype: str = "bfloat16"
    enforce_eager: bool = False
    pipeline_parallel_size: int = 1
    expert_parallel: bool = False
    data_parallel_size: int = 1
