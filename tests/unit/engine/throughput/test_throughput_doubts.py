"""Rows that nobody measured: the benchmark answers what is plausible, with the trust it deserves, and no more."""

import pytest

from benchmarks.cases import CellError
from benchmarks.throughput.cases import Case, read_case
from benchmarks.throughput.checkpoints import checkpoint
from benchmarks.throughput.predict import ours
from inferfleet.api.enums import Confidence

ROW = {
    "case_id": "a", "model": "meta-llama/Llama-3.1-8B-Instruct", "gpu": "H100-SXM-80GB", "n_gpu": "1", "tp": "1",
    "weight_dtype": "bf16", "isl": "1024", "osl": "1024", "concurrency": "16",
}  # fmt: skip


def case(**changes: str) -> Case:
    return read_case({**ROW, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tp": "3", "n_gpu": "3"}, "tp is '3'; accepted: a size that divides the model"),
        ({"tp": "8", "n_gpu": "2"}, "n_gpu is '2'; accepted: at least the tensor parallel size, 8"),
        ({"isl": "1000000"}, "isl is '1000000'; accepted: with osl at most 524288"),
        (
            {"model": "meta-llama/Llama-3.3-70B-Instruct", "gpu": "L4-24GB"},
            "gpu is 'L4-24GB'; accepted: GPUs",
        ),
        ({"model": "acme/Foo-0B"}, "model is 'acme/Foo-0B'; accepted: a model of"),
        ({"model": ""}, "model is ''; accepted: a model of"),
        ({"gpu": ""}, "gpu is ''; accepted: a GPU of"),
        ({"weight_dtype": "q4_k_m"}, "weight_dtype is 'q4_k_m'; accepted: awq, "),
        ({"isl": ""}, "isl is ''; accepted: a number of tokens from 1"),
        ({"osl": "0"}, "osl is '0'; accepted: a number above 0"),
        ({"concurrency": "-4"}, "concurrency is '-4'; accepted: a number above 0"),
        ({"request_rate": "x"}, "request_rate is 'x'; accepted: a number above 0"),
    ],
)
def test_a_row_that_no_engine_runs_is_refused_by_name(changes: dict[str, str], said: str) -> None:
    with pytest.raises(CellError) as refused:
        case(**changes)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize(
    "changes",
    [
        {"tp": "", "n_gpu": ""},
        {"tp": "16", "n_gpu": "16"},
        {"isl": "131072"},
        {"model": "acme/Brandnew-8B"},
        {"gpu": "MI300X-192GB"},
        {"engine_version": "0.6.0"},
        {"model": "openai/gpt-oss-120b", "weight_dtype": "bf16"},
    ],
)
def test_a_row_unlike_the_measured_ones_is_answered_with_low_confidence(changes: dict[str, str]) -> None:
    answer = ours(case(**changes))
    assert answer.output_tokens_per_second > 1
    assert answer.confidence is Confidence.LOW


@pytest.mark.parametrize(("tp", "n_gpu"), [("4", ""), ("", "4"), ("4", "0"), ("4.0", "4")])
def test_a_size_that_is_left_out_is_taken_from_the_other(tp: str, n_gpu: str) -> None:
    assert ours(case(tp=tp, n_gpu=n_gpu)) == ours(case(tp="4", n_gpu="4"))


def test_a_blank_format_is_what_the_checkpoint_was_published_in() -> None:
    blank = checkpoint("openai/gpt-oss-120b", "")
    assert blank is not None
    assert blank.quantization == "mxfp4"


def test_a_dense_model_in_mxfp4_reads_four_bits() -> None:
    four, eight = (ours(case(weight_dtype=name)).time_per_output_token_ms for name in ("mxfp4", "fp8"))
    assert four < eight


def test_all_requests_at_once_are_no_rate() -> None:
    assert ours(case(request_rate="inf")) == ours(case())


def test_more_users_never_mean_fewer_tokens() -> None:
    rates = [ours(case(concurrency=str(2**power))).output_tokens_per_second for power in range(15)]
    assert rates == sorted(rates)
