"""Values that the tests of the speed model share: models, settings and memory verdicts with one thing changed."""

from dataclasses import replace
from typing import Any

from inferfleet.api.enums import Confidence
from inferfleet.catalog.gpus import gpus
from inferfleet.catalog.models import find_model
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.memory import Fit, MemoryEstimate
from inferfleet.domain.model import Model
from inferfleet.domain.speed import Speed
from inferfleet.domain.traffic import Objectives, Traffic
from inferfleet.engine import throughput

LLAMA_8B = "meta-llama/Llama-3.1-8B-Instruct"
GPT_OSS = "openai/gpt-oss-120b"
NO_OBJECTIVES = Objectives(time_per_output_token_ms=None, time_to_first_token_ms=None)
CHAT = Traffic(input_tokens=800, output_tokens=300)


def model(name: str = LLAMA_8B, **changes: Any) -> Model:
    found = find_model(name)
    assert isinstance(found, Model)
    return replace(found, **changes)


def gpu(name: str = "nvidia-h100-80gb", **changes: Any) -> GPU:
    return replace(gpus()[name], **changes)


def engine(**changes: Any) -> EngineSettings:
    settings = EngineSettings(
        version="0.32.0",
        tensor_parallel_size=1,
        max_model_len=8192,
        max_num_seqs=256,
        max_num_batched_tokens=8192,
        gpu_memory_utilization=0.90,
    )
    return replace(settings, **changes)


def memory(kv_cache_tokens: int = 400_000) -> MemoryEstimate:
    """Return a verdict that fits and holds this many tokens; the speed model reads nothing else of it."""
    return MemoryEstimate(
        weights_gib=15.0,
        activation_gib=1.0,
        non_torch_gib=0.1,
        cuda_graph_gib=0.5,
        usable_gib=79.0,
        utilization=0.9,
        kv_cache_gib=50.0,
        kv_cache_tokens=kv_cache_tokens,
        max_concurrency=kv_cache_tokens / 8192,
        required_kv_gib=1.0,
        margin_gib=49.0,
        band_gib=1.0,
        longest_context=131072,
        fit=Fit.FITS,
        binding=None,
        confidence=Confidence.ESTIMATED,
    )


def objectives(token_ms: float | None = 50.0, first_ms: float | None = 2000.0) -> Objectives:
    return Objectives(time_per_output_token_ms=token_ms, time_to_first_token_ms=first_ms)


def speed(**changes: Any) -> Speed:
    """Estimate Llama-3.1-8B on an H100 for chat traffic, with the named arguments replaced."""
    arguments: dict[str, Any] = {
        "model": model(),
        "gpu": gpu(),
        "engine": engine(),
        "memory": memory(),
        "traffic": CHAT,
        "objectives": objectives(),
        "headroom": 0.0,
        **changes,
    }
    return throughput.estimate(**arguments)
