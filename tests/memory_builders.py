"""Short ways to build models, GPUs and settings for tests of the memory model."""

from dataclasses import replace
from typing import Any

from inferfleet.api.enums import Interconnect
from inferfleet.catalog.models import find_model
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.model import Model

LLAMA_8B = "meta-llama/Llama-3.1-8B-Instruct"

H100 = GPU(
    name="h100",
    product="NVIDIA H100 80GB HBM3",
    vendor="NVIDIA",
    memory_mib=81559,
    usable_gib=79.19,
    memory_bandwidth_gb_per_s=3350,
    interconnect=Interconnect.NVLINK,
)
L40S = GPU(
    name="l40s",
    product="NVIDIA L40S",
    vendor="NVIDIA",
    memory_mib=46068,
    usable_gib=44.36,
    memory_bandwidth_gb_per_s=864,
)
A10G = GPU(
    name="a10g",
    product="NVIDIA A10G",
    vendor="NVIDIA",
    memory_mib=23028,
    usable_gib=22.06,
    memory_bandwidth_gb_per_s=600,
)

_SETTINGS = EngineSettings(
    version="0.19.0",
    tensor_parallel_size=1,
    max_model_len=8192,
    max_num_seqs=1024,
    max_num_batched_tokens=8192,
    gpu_memory_utilization=0.95,
)


def settings(**change: Any) -> EngineSettings:
    """VLLM 0.19.0 as in the public sweep on H100, with what a test is about changed."""
    return replace(_SETTINGS, **change)


def known(model_id: str = LLAMA_8B, **change: Any) -> Model:
    """A built-in model, with what a test is about changed."""
    found = find_model(model_id)
    assert isinstance(found, Model), model_id
    return replace(found, **change)
