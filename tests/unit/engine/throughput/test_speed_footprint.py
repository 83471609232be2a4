"""What a token costs: bytes and operations from the shape of a model, checked by hand."""

import pytest

from inferfleet.domain.model import Model
from inferfleet.engine.memory import weight_format
from inferfleet.engine.throughput.footprint import Footprint, footprint
from inferfleet.engine.throughput.step import touched_share
from tests.speed_builders import GPT_OSS, engine, model

DEEPSEEK_V3 = "deepseek-ai/DeepSeek-V3"


def costs(described: Model, size: int = 1, cache: str = "auto") -> Footprint:
    settings = engine(tensor_parallel_size=size, kv_cache_dtype=cache)
    return footprint(described, settings, weight_format(described, settings))


def test_the_embedding_table_is_not_read_while_decoding() -> None:
    # 8.03e9 parameters of Llama-3.1-8B less 128,256 x 4,096 of embedding, two bytes each.
    assert costs(model()).fixed_bytes == pytest.approx(2 * (8.03e9 - 128_256 * 4096), rel=0.001)


def test_the_output_head_stays_in_16_bits_when_the_layers_are_quantised() -> None:
    head = 128_256 * 4096
    layers = costs(model()).fixed_bytes / 2 - head
    assert costs(model(quantization="fp8")).fixed_bytes == pytest.approx(layers + 2 * head)


def test_a_token_of_context_costs_keys_and_values_of_every_layer() -> None:
    # 32 layers x 8 heads x 128 x (K, V) x 2 bytes = 128 KiB per token.
    assert costs(model()).cache_bytes(1) == 131072


def test_an_8_bit_cache_is_half_of_that() -> None:
    assert costs(model(), cache="fp8").cache_bytes(1) == 65536


def test_heads_are_divided_over_gpus_but_never_split() -> None:
    assert costs(model(), size=4).cache_bytes(1) == 131072 / 4
    assert costs(model(), size=16).cache_bytes(1) == 131072 / 8


def test_latent_attention_keeps_one_vector_per_layer_on_every_gpu() -> None:
    # DeepSeek-V3: 61 layers x (512 + 64) x 2 bytes.
    assert costs(model(DEEPSEEK_V3)).cache_bytes(1) == 61 * 576 * 2
    assert costs(model(DEEPSEEK_V3), size=8).cache_bytes(1) == 61 * 576 * 2


def test_sliding_layers_read_no_further_than_their_window() -> None:
    found = costs(model(GPT_OSS))
    per_layer = 2 * 8 * 64 * 2
    assert found.cache_bytes(100) == 36 * per_layer * 100
    assert found.cache_bytes(1128) == 18 * per_layer * (1128 + 128)


def test_a_mixture_reads_all_experts_but_computes_with_those_it_picks() -> None:
    found = costs(model(GPT_OSS))
    one_expert = 3 * 2880 * 2880
    assert found.expert_flops == pytest.approx(2 * 36 * 4 * one_expert)
    assert found.expert_bytes == pytest.approx(36 * 128 * one_expert * 4.25 / 8)


def test_pooling_models_sample_no_token() -> None:
    assert costs(model(pooling=True)).head_flops == 0


def test_one_token_touches_the_experts_it_picks() -> None:
    assert touched_share(8 / 256, smallest=8 / 256) == 8 / 256


def test_a_large_batch_touches_nearly_all_experts() -> None:
    assert touched_share(256 * 8 / 256) == pytest.approx(8 / 9)
