"""Single estimates against figures that vLLM printed, and the verdict's band. GiB, per GPU."""

from dataclasses import replace
from typing import Any

import pytest

from inferfleet.api.enums import Confidence, Interconnect
from inferfleet.domain.calibration import MemoryCalibration
from inferfleet.domain.memory import Fit, MemoryTerm
from inferfleet.engine.memory import UnknownFormatError, estimate
from tests.memory_builders import A10G, H100, L40S, known, settings

# (model, settings, weights, activation, KV cache, KV tokens) as printed by vLLM 0.19.0 on H100 (llm-d-planner#205).
PRINTED: tuple[tuple[str, dict[str, Any], tuple[float, float, float, int]], ...] = (
    ("meta-llama/Llama-3.1-8B-Instruct", {}, (14.99, 1.89, 58.11, 476016)),
    ("meta-llama/Llama-3.1-8B-Instruct", {"kv_cache_dtype": "fp8"}, (14.99, 1.89, 58.11, 952032)),
    ("meta-llama/Llama-3.1-8B-Instruct", {"quantization": "fp8"}, (8.49, 1.89, 64.61, 529248)),
    ("meta-llama/Llama-3.1-8B-Instruct", {"dtype": "float32"}, (29.98, 2.21, 42.8, 175296)),
    ("meta-llama/Llama-3.1-8B-Instruct", {"tensor_parallel_size": 4}, (3.77, 1.89, 67.44, 2209792)),
    ("meta-llama/Llama-3.1-8B-Instruct", {"pipeline_parallel_size": 4}, (4.26, 1.05, 69.8, 2257264)),
    ("Qwen/Qwen3-30B-A3B", {}, (56.88, 2.68, 15.41, 168288)),
    ("deepseek-ai/DeepSeek-V2-Lite-Chat", {}, (29.43, 1.93, 43.61, 1505552)),
    ("google/gemma-2-27b-it", {}, (50.72, 3.66, 20.59, 58672)),
    ("google/gemma-3-27b-it", {}, (51.45, 3.99, 19.53, 36560)),
    ("openai/gpt-oss-20b", {"tensor_parallel_size": 2, "gpu_memory_utilization": 0.9}, (7.01, 2.87, 59.32, 2591776)),
    ("microsoft/phi-2", {"max_model_len": 2048, "dtype": "float16"}, (5.19, 0.79, 69.0, 226112)),
)


@pytest.mark.parametrize(("model", "change", "printed"), PRINTED)
def test_terms_match_what_vllm_printed(
    model: str, change: dict[str, Any], printed: tuple[float, float, float, int]
) -> None:
    weights, activation, pool, tokens = printed
    found = estimate(known(model), H100, settings(**change))
    assert found.weights_gib == pytest.approx(weights, rel=0.01)
    assert found.activation_gib == pytest.approx(activation, abs=0.3)
    assert found.kv_cache_gib == pytest.approx(pool, rel=0.015)
    assert found.kv_cache_tokens == pytest.approx(tokens, rel=0.015)


def test_the_pool_is_the_budget_less_every_term() -> None:
    found = estimate(known(), H100, settings())
    terms = found.weights_gib + found.activation_gib + found.non_torch_gib
    assert found.kv_cache_gib == pytest.approx(79.19 * 0.95 - terms)


def test_graphs_come_out_of_the_budget_since_0_21() -> None:
    found = estimate(known(), H100, settings(version="0.22.0"))
    terms = found.weights_gib + found.activation_gib + found.non_torch_gib + found.cuda_graph_gib
    assert found.kv_cache_gib == pytest.approx(79.19 * 0.95 - terms)


def test_the_sort_of_the_old_sampler_costs_three_gib_more() -> None:
    old, new = (estimate(known("Qwen/Qwen3-14B"), H100, settings(version=version)) for version in ("0.16.0", "0.17.0"))
    assert old.activation_gib == pytest.approx(5.64, abs=0.05)
    assert new.activation_gib == pytest.approx(2.23, abs=0.05)


def test_one_request_of_gpt_oss_120b_needs_what_vllm_said() -> None:
    found = estimate(known("openai/gpt-oss-120b"), H100, settings(max_model_len=131072, version="0.11.0"))
    assert found.required_kv_gib == pytest.approx(4.79, abs=0.01)


def test_the_pool_of_a_hybrid_holds_the_requests_that_vllm_counted() -> None:
    seen = MemoryCalibration(kv_cache_gib=44.59)
    model = known("Qwen/Qwen3-Next-80B-A3B-Instruct")
    found = estimate(
        model, H100, settings(tensor_parallel_size=2, max_model_len=262144, version="0.11.0"), calibration=seen
    )
    assert found.max_concurrency == pytest.approx(14.77, abs=0.05)
    assert found.kv_cache_tokens == pytest.approx(973760, rel=0.001)


def test_mla_is_not_divided_among_gpus() -> None:
    seen = MemoryCalibration(kv_cache_gib=46.80)
    model = known("moonshotai/Kimi-K2-Thinking")
    found = estimate(model, H100, settings(tensor_parallel_size=8, version="0.11.0"), calibration=seen)
    assert found.kv_cache_tokens == pytest.approx(715072, rel=0.0005)


def test_key_value_heads_stop_shrinking_at_one() -> None:
    model = known("Qwen/Qwen3-235B-A22B-FP8")
    four, eight = (estimate(model, H100, settings(tensor_parallel_size=size)).required_kv_gib for size in (4, 8))
    assert four == eight


def test_links_decide_what_lies_outside_the_allocator() -> None:
    engine = settings(tensor_parallel_size=2)
    linked = estimate(known(), H100, engine)
    separate = estimate(known(), H100, engine, interconnect=Interconnect.PCIE)
    assert linked.non_torch_gib - separate.non_torch_gib > 1.5


def test_what_fits_easily_is_said_to_fit() -> None:
    found = estimate(known(), H100, settings())
    assert (found.fit, found.binding) == (Fit.FITS, None)


def test_weights_beyond_the_card_are_the_binding_term() -> None:
    found = estimate(known("meta-llama/Llama-3.1-70B-Instruct"), H100, settings())
    assert (found.fit, found.binding) == (Fit.DOES_NOT_FIT, MemoryTerm.WEIGHTS)


def test_a_context_beyond_the_pool_is_the_binding_term() -> None:
    found = estimate(
        known("Qwen/Qwen3-8B"), A10G, settings(max_model_len=40960, max_num_seqs=256, max_num_batched_tokens=2048)
    )
    assert (found.fit, found.binding) == (Fit.DOES_NOT_FIT, MemoryTerm.CONTEXT)


def test_the_longest_context_is_what_would_start() -> None:
    engine = settings(max_model_len=40960, max_num_seqs=256, max_num_batched_tokens=2048)
    longest = estimate(known("Qwen/Qwen3-8B"), A10G, engine).longest_context
    margin = estimate(
        known("Qwen/Qwen3-8B"), A10G, settings(max_num_seqs=256, max_num_batched_tokens=2048, max_model_len=longest)
    ).margin_gib
    assert 0 <= margin < 0.01


def test_a_miss_of_30_mib_is_too_close_to_call() -> None:
    engine = settings(
        version="0.9.1", max_model_len=32768, max_num_seqs=256, max_num_batched_tokens=2048, gpu_memory_utilization=0.9
    )
    found = estimate(known("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B"), A10G, engine, usable_gib=23.58)
    assert found.fit is Fit.TOO_CLOSE


@pytest.mark.parametrize("size", [1, 2])
def test_gpt_oss_at_0_95_is_not_said_to_fit_because_its_warm_up_ran_out_of_memory(size: int) -> None:
    found = estimate(known("openai/gpt-oss-20b"), H100, settings(tensor_parallel_size=size))
    assert found.fit is not Fit.FITS
    assert found.binding is MemoryTerm.LATE
    assert found.margin_gib < 0


def test_an_unsettled_version_is_answered_with_low_confidence_and_a_wider_band() -> None:
    settled, newest = (estimate(known(), L40S, settings(version=version)) for version in ("0.19.0", "0.32.0"))
    assert (settled.confidence, newest.confidence) == (Confidence.ESTIMATED, Confidence.LOW)
    assert newest.band_gib > settled.band_gib
    assert any("not settled" in note for note in newest.notes)


def test_hybrids_have_low_confidence() -> None:
    assert estimate(known("Qwen/Qwen3-Next-80B-A3B-Instruct"), H100, settings()).confidence is Confidence.LOW


def test_images_that_may_fill_the_context_widen_the_band() -> None:
    text, vision = (
        estimate(known(name), H100, settings()).band_gib
        for name in ("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct")
    )
    assert vision > text + 3


def test_an_observed_pool_makes_the_answer_measured() -> None:
    seen = MemoryCalibration(weights_gib=15.1, kv_cache_gib=57.5, source="start-up log")
    found = estimate(known(), H100, settings(), calibration=seen)
    assert (found.weights_gib, found.kv_cache_gib, found.confidence) == (15.1, 57.5, Confidence.MEASURED)
    assert found.notes == ("start-up log",)


def test_an_observed_term_alone_calibrates_the_rest() -> None:
    plain = estimate(known(), H100, settings())
    found = estimate(known(), H100, settings(), calibration=MemoryCalibration(non_torch_gib=plain.non_torch_gib + 1))
    assert found.kv_cache_gib == pytest.approx(plain.kv_cache_gib - 1)
    assert found.confidence is Confidence.CALIBRATED


def test_usable_memory_is_derived_when_it_was_never_measured() -> None:
    derived = estimate(known(), replace(H100, usable_gib=None), settings()).usable_gib
    assert derived == pytest.approx(79.19, abs=0.1)
    assert derived < H100.memory_gib


def test_disk_size_corrects_shapes_that_miss_a_part() -> None:
    shapes = estimate(known(), H100, settings()).weights_gib
    larger = estimate(known(weight_bytes=int(16.06e9 * 1.1)), H100, settings()).weights_gib
    assert larger == pytest.approx(shapes * 1.1, rel=0.01)


def test_a_second_copy_of_the_weights_on_disk_does_not_count() -> None:
    once = estimate(known(), H100, settings())
    assert estimate(known(weight_bytes=int(2 * 16.06e9)), H100, settings()).weights_gib == once.weights_gib


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tensor_parallel_size", 0),
        ("max_model_len", 0),
        ("max_model_len", -8192),
        ("max_num_seqs", 0),
        ("max_num_batched_tokens", -1),
        ("pipeline_parallel_size", 33),
        ("gpu_memory_utilization", 0.0),
        ("gpu_memory_utilization", 1.01),
    ],
)
def test_impossible_settings_are_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        estimate(known(), H100, settings(**{field: value}))


def test_impossible_models_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="num_key_value_heads"):
        estimate(known(num_key_value_heads=0), H100, settings())


def test_an_unreadable_version_is_refused() -> None:
    with pytest.raises(ValueError, match="latest"):
        estimate(known(), H100, settings(version="latest"))


def test_an_unknown_quantisation_names_the_accepted_ones() -> None:
    with pytest.raises(UnknownFormatError, match="awq"):
        estimate(known(), H100, settings(quantization="q4_k_m"))


def test_the_same_question_is_answered_once() -> None:
    first = estimate(known(), H100, settings())
    assert estimate(known(), H100, settings()) is first
