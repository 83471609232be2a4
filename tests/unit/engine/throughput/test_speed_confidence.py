"""How far an estimate is trusted: only settings like the measured ones are `Estimated`."""

from dataclasses import replace
from typing import Any

import pytest

from inferfleet.api.enums import Confidence
from inferfleet.domain.model import LatentAttention, LinearAttention
from tests.speed_builders import GPT_OSS, engine, gpu, model, speed


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"gpu": gpu("nvidia-l4-24gb")},
        {"gpu": gpu("nvidia-b200-180gb")},
        {"model": model(GPT_OSS)},
        {"model": model(quantization="fp8")},
        {"model": model(quantization="awq")},
        {"engine": engine(tensor_parallel_size=4)},
        {"engine": engine(version="nightly")},
    ],
)
def test_settings_like_the_measured_ones_are_estimated(changes: dict[str, Any]) -> None:
    assert speed(**changes).confidence is Confidence.ESTIMATED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"gpu": gpu("nvidia-t4-16gb")}, "no measured rows for nvidia-t4-16gb"),
        ({"gpu": gpu("nvidia-a10g-24gb")}, "no measured rows for nvidia-a10g-24gb"),
        ({"gpu": gpu("amd-mi300x-192gb")}, "no measured rows for amd-mi300x-192gb"),
        ({"gpu": gpu("nvidia-l40s-48gb"), "engine": engine(tensor_parallel_size=2)}, "over PCIe"),
        ({"model": model(quantization="awq"), "engine": engine(quantization="awq")}, "plain 4-bit kernel"),
        (
            {"model": model(GPT_OSS, quantization=None, quantization_detail=None)},
            "no tuned measurement of a mixture model in 16 bits",
        ),
        ({"engine": engine(enforce_eager=True)}, "eager mode"),
        ({"engine": engine(version="0.6.3")}, "older than the measured ones"),
        ({"engine": engine(tensor_parallel_size=16)}, "over more than 8 GPUs"),
        ({"engine": engine(pipeline_parallel_size=2)}, "pipeline parallelism"),
        ({"model": model(linear_attention=LinearAttention(full_attention_interval=4))}, "hybrid linear attention"),
        ({"model": model(pooling=True)}, "pooling models"),
    ],
)
def test_settings_that_nobody_measured_are_low_and_say_why(changes: dict[str, Any], reason: str) -> None:
    found = speed(**changes)
    assert found.confidence is Confidence.LOW
    assert reason in "; ".join(found.notes)


def test_an_8_bit_mixture_is_estimated_on_blackwell_and_low_before_it() -> None:
    mixture = model("MiniMaxAI/MiniMax-M2.5")
    settings = engine(tensor_parallel_size=4)
    assert speed(model=mixture, engine=settings, gpu=gpu("nvidia-b200-180gb")).confidence is Confidence.ESTIMATED
    assert speed(model=mixture, engine=settings, gpu=gpu("nvidia-h200-141gb")).confidence is Confidence.LOW


def test_sparse_attention_is_low_while_plain_latent_attention_is_estimated() -> None:
    latent = LatentAttention(kv_lora_rank=512, qk_rope_head_dim=64, qk_nope_head_dim=128, v_head_dim=128)
    assert speed(model=model(latent_attention=latent)).confidence is Confidence.ESTIMATED
    sparse = replace(latent, index_head_dim=128, index_num_heads=32)
    assert speed(model=model(latent_attention=sparse)).confidence is Confidence.LOW
