"""`inferfleet fit`: verdict, terms, remedies, and refusals that name the flag."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
Written = Callable[[str, str], str]

LLAMA = ("fit", "--model", "meta-llama/Llama-3.1-8B-Instruct")
ON_L40S = (*LLAMA, "--gpu", "nvidia-l40s-48gb")
ON_L4 = (*LLAMA, "--gpu", "nvidia-l4-24gb")
AWQ_ON_L40S = ("fit", "--model", "Qwen/Qwen2.5-14B-Instruct-AWQ", "--gpu", "nvidia-l40s-48gb")
TERMS = ("weightsGiB", "activationGiB", "nonTorchGiB", "cudaGraphGiB", "kvCacheGiB", "kvCacheTokens", "maxConcurrency",
         "usableGiB", "utilization", "marginGiB")  # fmt: skip


def answer(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_terms_are_numbers_under_the_names_of_status(invoke: Invoke) -> None:
    found = answer(invoke(*ON_L40S, "--max-model-len", "8192", "-o", "json"))
    assert all(isinstance(found[term], int | float) for term in TERMS)
    assert (found["verdict"], found["reason"], found["confidence"]) == ("Fits", "Fits", "Low")


def test_the_cache_is_what_the_other_terms_leave(invoke: Invoke) -> None:
    found = answer(invoke(*ON_L40S, "--engine-version", "0.25.0", "-o", "json"))
    others = sum(found[term] for term in ("weightsGiB", "activationGiB", "nonTorchGiB", "cudaGraphGiB"))
    assert found["usableGiB"] * found["utilization"] - others == pytest.approx(found["kvCacheGiB"], abs=1e-3)


def test_flags_are_spelt_as_vllm_spells_them(invoke: Invoke) -> None:
    flags = ("--tensor-parallel-size", "2", "--max-model-len", "4096", "--max-num-seqs", "64",
             "--max-num-batched-tokens", "4096", "--gpu-memory-utilization", "0.8", "--kv-cache-dtype", "fp8",
             "--quantization", "fp8", "--engine-version", "0.11.0")  # fmt: skip
    found = answer(invoke(*ON_L40S, *flags, "-o", "json"))
    assert found["engine"] == {
        "version": "0.11.0",
        "tensorParallelSize": 2,
        "maxModelLen": 4096,
        "maxNumSeqs": 64,
        "maxNumBatchedTokens": 4096,
        "gpuMemoryUtilization": 0.8,
        "kvCacheDtype": "fp8",
        "quantization": "fp8",
        "dtype": "bfloat16",
        "enforceEager": False,
        "enableExpertParallel": False,
    }


def test_without_a_length_the_model_s_own_is_asked_about(invoke: Invoke) -> None:
    assert answer(invoke(*ON_L40S, "-o", "json"))["engine"]["maxModelLen"] == 131072


def test_a_config_that_is_nested_too_deeply_exits_with_2(invoke: Invoke, written: Written) -> None:
    path = written("config.json", "[" * 100_000)
    result = invoke("fit", "--config", path, "--gpu", "nvidia-l4-24gb")
    assert (result.exit_code, f"--config: {path} cannot be read as JSON" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("flags", "reason", "told"),
    [
        ((*ON_L40S, "-q", "awq"), "PrecisionNotSupported", "cannot make them awq while loading"),
        ((*AWQ_ON_L40S, "-q", "fp8"), "PrecisionNotSupported", "the checkpoint is quantised as awq"),
        ((*AWQ_ON_L40S, "-q", "gptq"), "PrecisionNotSupported", "the checkpoint is quantised as awq"),
        ((*ON_L40S, "--max-model-len", "200000"), "ContextDoesNotFit", "is above the 131072 positions"),
    ],
)
def test_what_vllm_refuses_to_start_exits_with_1_and_says_why(
    invoke: Invoke, flags: tuple[str, ...], reason: str, told: str
) -> None:
    result = invoke(*flags, "-o", "json")
    found = answer(result)
    assert (result.exit_code, found["verdict"], found["reason"]) == (1, "DoesNotFit", reason)
    assert told in found["message"]


def test_what_does_not_fit_exits_with_1_and_says_what_would(invoke: Invoke) -> None:
    result = invoke(*ON_L4, "-o", "json")
    found = answer(result)
    assert (result.exit_code, found["verdict"], found["reason"]) == (1, "DoesNotFit", "ContextDoesNotFit")
    assert any(remedy["flags"].startswith("--max-model-len ") for remedy in found["remedies"])


def test_a_remedy_given_back_as_flags_fits(invoke: Invoke) -> None:
    for remedy in answer(invoke(*ON_L4, "-o", "json"))["remedies"]:
        assert invoke(*ON_L4, *remedy["flags"].split()).exit_code == 0


def test_a_split_that_does_not_divide_the_heads_does_not_fit(invoke: Invoke) -> None:
    result = invoke(*ON_L40S, "--tensor-parallel-size", "3", "-o", "json")
    found = answer(result)
    assert (result.exit_code, found["reason"], found["weightsGiB"]) == (1, "TensorParallelNotDivisible", None)


def test_the_table_has_a_line_for_each_term_and_bars_for_the_large_ones(invoke: Invoke) -> None:
    lines = {line.split("  ")[0]: line for line in invoke(*ON_L40S).stdout.splitlines()}
    assert {"weights", "activation peak", "non-torch", "CUDA graphs", "KV cache", "left to others"} <= set(lines)
    assert "█" in lines["weights"]
    assert "█" in lines["KV cache"]


def test_yaml_says_the_same_as_json(invoke: Invoke) -> None:
    assert "verdict: Fits" in invoke(*ON_L40S, "-o", "yaml").stdout


def test_a_config_file_stands_in_for_the_catalogue(invoke: Invoke, written: Written) -> None:
    config = {
        "_name_or_path": "acme/tiny", "model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16,
        "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 8192, "vocab_size": 128256,
        "max_position_embeddings": 8192,
    }  # fmt: skip
    path = written("config.json", json.dumps(config))
    found = answer(invoke("fit", "--config", path, "--gpu", "nvidia-l4-24gb", "-o", "json"))
    assert (found["model"], found["verdict"]) == ("acme/tiny", "Fits")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "must hold a JSON object"),
        ('{"model_type": "llama", "num_hidden_layers": 2, "num_attention_heads": 2}', "no usable hidden_size"),
    ],
)
def test_a_config_that_is_no_model_is_bad_input(invoke: Invoke, written: Written, content: str, told: str) -> None:
    result = invoke("fit", "--config", written("config.json", content), "--gpu", "nvidia-l4-24gb")
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((*LLAMA, "--gpu", "l40s"), "--gpu: l40s is not in the catalogue (inferfleet catalog gpus); did you mean"),
        (("fit", "--model", "acme/x", "--gpu", "nvidia-l4-24gb"), "ModelProfile"),
        (("fit", "--gpu", "nvidia-l4-24gb"), "--model: give exactly one of --model and --config"),
        ((*ON_L4, "--max-num-seqs", "0"), "--max-num-seqs: is 0; accepted: 1 and more"),
        ((*ON_L4, "--max-model-len", "-1"), "--max-model-len: is -1"),
        ((*ON_L4, "--gpu-memory-utilization", "nan"), "--gpu-memory-utilization: is nan; accepted: above 0"),
        (
            (*ON_L4, "--max-num-batched-tokens", "128", "--max-num-seqs", "129"),
            "--max-num-batched-tokens: 128 must be at least the 129 of --max-num-seqs",
        ),
        ((*ON_L4, "--kv-cache-dtype", "zz"), "--kv-cache-dtype: zz must be one of auto, bfloat16,"),
        ((*ON_L4, "--quantization", "magic"), "--quantization: 'magic' is not known; accepted:"),
        ((*ON_L4, "--engine-version", "newest"), "--engine-version: engine version 'newest' is not understood"),
        ((*ON_L4, "--interconnect", "rope"), "--interconnect: rope must be one of PCIe"),
    ],
)
def test_bad_input_exits_with_2_and_names_the_flag(invoke: Invoke, arguments: tuple[str, ...], told: str) -> None:
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
