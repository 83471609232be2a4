"""Laws that no memory estimate may break, whatever the model, the card and the settings."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inferfleet.catalog.memory_laws import memory_laws
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import MIB, Fit
from inferfleet.domain.model import Experts, LatentAttention, Model, SlidingWindow
from inferfleet.engine.memory import estimate
from inferfleet.engine.memory.matrices import pipeline_stages
from inferfleet.engine.memory.weights import allocated
from tests.memory_builders import H100

unhurried = settings(deadline=None)  # a busy machine is no bug

VERSIONS = [f"{law.since[0]}.{law.since[1]}.0" for law in memory_laws()]
# The allocator keeps a rest of up to 1 MiB with each tensor, so a smaller tensor may hold a little more than its share.
ROUNDING_GIB = 0.2
LATENT = LatentAttention(kv_lora_rank=512, qk_rope_head_dim=64, qk_nope_head_dim=128, v_head_dim=128)

powers = st.sampled_from([1, 2, 4, 8])


@st.composite
def models(draw: st.DrawFn) -> Model:
    """A decoder of any supported kind with heads that eight GPUs divide."""
    heads = draw(st.sampled_from([8, 16, 32, 64]))
    layers = draw(st.integers(2, 80))
    kind = draw(st.sampled_from(["dense", "mixture", "latent", "window"]))
    return Model(
        id="some/model",
        hidden_size=heads * draw(st.sampled_from([64, 128])),
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=draw(st.sampled_from([1, 2, 4, 8])),
        head_dim=draw(st.sampled_from([64, 128, 256])),
        intermediate_size=draw(st.integers(8, 256)) * 128,
        vocab_size=draw(st.integers(500, 4000)) * 64,
        max_position_embeddings=draw(st.sampled_from([8192, 131072])),
        tie_word_embeddings=draw(st.booleans()),
        experts=Experts(num_experts=draw(st.sampled_from([8, 64])), num_experts_per_token=2, intermediate_size=1024)
        if kind == "mixture"
        else None,
        latent_attention=LATENT if kind == "latent" else None,
        sliding_window=SlidingWindow(window=1024, num_layers=draw(st.integers(1, layers)))
        if kind == "window"
        else None,
    )


@st.composite
def engines(draw: st.DrawFn) -> EngineSettings:
    """Settings within what vLLM accepts."""
    return EngineSettings(
        version=draw(st.sampled_from(VERSIONS)),
        tensor_parallel_size=draw(powers),
        max_model_len=draw(st.integers(1, 131072)),
        max_num_seqs=draw(st.integers(1, 1024)),
        max_num_batched_tokens=draw(st.integers(1, 16384)),
        gpu_memory_utilization=draw(st.floats(0.05, 1.0)),
    )


@unhurried
@given(models(), engines(), st.integers(1, 100_000))
def test_more_context_never_needs_less(model: Model, engine: EngineSettings, more: int) -> None:
    short = estimate(model, H100, engine)
    long = estimate(model, H100, replace(engine, max_model_len=engine.max_model_len + more))
    assert long.required_kv_gib >= short.required_kv_gib


@unhurried
@given(models(), engines(), st.integers(1, 1024))
def test_more_sequences_never_leave_more_cache(model: Model, engine: EngineSettings, more: int) -> None:
    few = estimate(model, H100, engine)
    many = estimate(model, H100, replace(engine, max_num_seqs=engine.max_num_seqs + more))
    assert many.activation_gib >= few.activation_gib
    assert many.kv_cache_gib <= few.kv_cache_gib


@unhurried
@given(models(), engines(), st.integers(1, 20))
def test_more_layers_never_weigh_less(model: Model, engine: EngineSettings, more: int) -> None:
    taller = replace(model, num_hidden_layers=model.num_hidden_layers + more)
    assert estimate(taller, H100, engine).weights_gib > estimate(model, H100, engine).weights_gib


@unhurried
@given(models().filter(lambda model: model.sliding_window is None), engines(), st.integers(1, 20))
def test_more_layers_never_cache_less(model: Model, engine: EngineSettings, more: int) -> None:
    taller = replace(model, num_hidden_layers=model.num_hidden_layers + more)
    assert estimate(taller, H100, engine).required_kv_gib > estimate(model, H100, engine).required_kv_gib


@unhurried
@given(models(), engines())
def test_more_gpus_never_hold_more_weights_each(model: Model, engine: EngineSettings) -> None:
    one, two = (
        estimate(model, H100, replace(engine, tensor_parallel_size=size)).weights_gib
        for size in (engine.tensor_parallel_size, 2 * engine.tensor_parallel_size)
    )
    assert two <= one + ROUNDING_GIB


@unhurried
@given(models(), engines())
def test_more_gpus_cache_no_more_each_and_half_while_heads_divide(model: Model, engine: EngineSettings) -> None:
    one, two = (
        estimate(model, H100, replace(engine, tensor_parallel_size=size)).required_kv_gib
        for size in (engine.tensor_parallel_size, 2 * engine.tensor_parallel_size)
    )
    unpacked = model.latent_attention is not None and two < one
    replicated = model.latent_attention is not None or engine.tensor_parallel_size >= model.num_key_value_heads
    assert two == pytest.approx(one if replicated and not unpacked else one / 2)


@unhurried
@given(models(), engines())
def test_eight_bits_never_need_more_than_sixteen(model: Model, engine: EngineSettings) -> None:
    plain = estimate(model, H100, engine)
    weights = estimate(model, H100, replace(engine, quantization="fp8"))
    cache = estimate(model, H100, replace(engine, kv_cache_dtype="fp8"))
    assert weights.weights_gib <= plain.weights_gib + ROUNDING_GIB
    assert cache.required_kv_gib == pytest.approx(plain.required_kv_gib / 2)


@unhurried
@given(models(), engines())
def test_a_verdict_follows_from_margin_and_band(model: Model, engine: EngineSettings) -> None:
    found = estimate(model, H100, engine)
    assert (found.fit is Fit.FITS) == (found.margin_gib >= found.band_gib)
    assert (found.binding is None) == (found.fit is Fit.FITS)


@unhurried
@given(models(), engines())
def test_the_longest_context_starts_and_one_more_block_does_not(model: Model, engine: EngineSettings) -> None:
    found = estimate(model, H100, engine)
    longest = found.longest_context
    if longest > 0:
        assert estimate(model, H100, replace(engine, max_model_len=longest)).required_kv_gib <= found.kv_cache_gib
    if longest < model.max_position_embeddings:
        longer = replace(engine, max_model_len=longest + 64)
        assert estimate(model, H100, longer).required_kv_gib > found.kv_cache_gib


@unhurried
@given(st.integers(1, 200), st.integers(1, 16))
def test_stages_hold_all_layers_as_evenly_as_possible(layers: int, count: int) -> None:
    if count > layers:
        return
    stages = pipeline_stages(layers, count)
    held = [stage.layers for stage in stages]
    assert sum(held) == layers
    assert max(held) - min(held) <= 1
    assert (stages[0].first, stages[-1].last) == (True, True)


@unhurried
@given(st.floats(1, 1e10))
def test_the_allocator_adds_at_most_one_mebibyte(size: float) -> None:
    assert size <= allocated(size) <= size + MIB
