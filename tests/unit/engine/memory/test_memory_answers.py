"""Questions around an estimate: each answer is itself an estimate that fits."""

from dataclasses import replace

import pytest

from inferfleet.domain.memory import Fit
from inferfleet.engine.memory import estimate, remedies, tensor_parallel_problem
from inferfleet.engine.memory.answers import (
    Change,
    longest_context,
    smallest_tensor_parallel_size,
)
from tests.memory_builders import A10G, H100, L40S, known, settings

SMALL = settings(max_num_seqs=256, max_num_batched_tokens=2048, gpu_memory_utilization=0.9)


def test_the_longest_context_fits_and_one_block_more_does_not() -> None:
    model = known("Qwen/Qwen3-8B")
    tokens = longest_context(model, A10G, SMALL)
    assert 8192 < tokens < 40960
    assert estimate(model, A10G, replace(SMALL, max_model_len=tokens)).fit is Fit.FITS
    assert estimate(model, A10G, replace(SMALL, max_model_len=tokens + 16)).fit is not Fit.FITS


def test_no_context_fits_where_the_weights_do_not() -> None:
    assert longest_context(known("Qwen/Qwen3-14B"), A10G, SMALL) == 0


def test_seventy_billion_parameters_need_four_l40s() -> None:
    assert smallest_tensor_parallel_size(known("meta-llama/Llama-3.3-70B-Instruct"), L40S, SMALL) == 4


def test_no_size_up_to_the_limit_is_none() -> None:
    assert smallest_tensor_parallel_size(known("meta-llama/Llama-3.3-70B-Instruct"), L40S, SMALL, largest=2) is None


def test_what_fits_needs_no_remedy() -> None:
    assert remedies(known(), H100, settings()) == ()


def test_every_remedy_fits_and_says_its_numbers() -> None:
    engine = replace(SMALL, max_model_len=40960)
    found = remedies(known("Qwen/Qwen3-8B"), A10G, engine)
    assert {remedy.change for remedy in found} >= {Change.SHORTER_CONTEXT, Change.FP8_WEIGHTS, Change.MORE_GPUS}
    assert all(remedy.estimate.fit is Fit.FITS for remedy in found)
    assert all("GiB" in remedy.message for remedy in found)


def test_fewer_sequences_help_where_the_sampler_takes_the_room() -> None:
    engine = settings(version="0.16.0", max_model_len=32768, gpu_memory_utilization=0.9)
    changes = {remedy.change for remedy in remedies(known("Qwen/Qwen3-32B"), H100, engine)}
    assert Change.FEWER_SEQUENCES in changes


@pytest.mark.parametrize(
    ("size", "problem"), [(1, None), (2, None), (4, None), (8, None), (5, "vocabulary"), (3, "heads")]
)
def test_sizes_that_vllm_refuses_are_named(size: int, problem: str | None) -> None:
    found = tensor_parallel_problem(known("Qwen/Qwen3-14B"), size)
    assert found is None if problem is None else found is not None and problem in found


def test_key_value_heads_that_neither_divide_nor_are_divided_are_refused() -> None:
    found = tensor_parallel_problem(known("microsoft/phi-4"), 4)
    assert found is not None
    assert "key/value" in found


def test_a_share_that_cuts_through_a_quantisation_block_is_refused() -> None:
    model = known("Qwen/Qwen3-235B-A22B-FP8")
    found = tensor_parallel_problem(model, 8)
    assert found is not None
    assert "192" in found
    assert tensor_parallel_problem(model, 4) is None
    assert tensor_parallel_problem(model, 8, expert_parallel=True) is None


def test_a_share_that_cuts_through_a_group_of_scales_is_refused() -> None:
    found = tensor_parallel_problem(known("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4"), 8)
    assert found is not None
    assert "29568" in found


def test_no_gpus_are_refused() -> None:
    with pytest.raises(ValueError, match="tensor_parallel_size"):
        tensor_parallel_problem(known(), 0)
