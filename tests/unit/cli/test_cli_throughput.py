"""`inferfleet throughput`: the planner's own speed estimate, at objectives or at a fixed load."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]

SHAPE = ("--input-tokens", "800", "--output-tokens", "300")
ASKED = ("throughput", "--model", "meta-llama/Llama-3.1-8B-Instruct", "--gpu", "nvidia-l40s-48gb", *SHAPE)


def answer(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_speed_keeps_the_objective_and_says_how_sure_it_is(invoke: Invoke) -> None:
    found = answer(invoke(*ASKED, "-o", "json"))
    assert found["timePerOutputTokenMilliseconds"] <= 50.01
    assert found["confidence"] == "Estimated"


def test_the_speed_is_the_one_that_a_plan_shows(invoke: Invoke, pool: str, chat: str) -> None:
    plan = json.loads(invoke("plan", "-f", "-", "-o", "json", stdin=f"{pool}---{chat}").stdout)
    row = next(row for row in plan[0]["decision"]["candidates"] if row["tensorParallelSize"] == 1)
    assert answer(invoke(*ASKED, "-o", "json"))["requestsPerSecond"] == row["requestsPerSecond"]


def test_a_fixed_load_gives_what_a_load_test_would_measure(invoke: Invoke) -> None:
    found = answer(invoke(*ASKED, "--concurrency", "32", "-o", "json"))
    assert found["running"] <= found["concurrency"] == 32
    assert found["outputTokensPerSecond"] == pytest.approx(found["requestsPerSecond"] * 300, rel=1e-3)


def test_an_objective_that_nobody_can_meet_exits_with_1_and_names_the_best(invoke: Invoke) -> None:
    result = invoke(*ASKED, "--time-per-output-token", "1", "-o", "json")
    found = answer(result)
    assert (result.exit_code, found["meetsObjectives"]) == (1, False)
    assert f"{found['bestTimePerOutputTokenMilliseconds']:.1f} ms per output token" in found["message"]


def test_a_model_that_does_not_fit_has_no_speed(invoke: Invoke) -> None:
    result = invoke(*ASKED[:2], "meta-llama/Llama-3.3-70B-Instruct", *ASKED[3:], "-o", "json")
    found = answer(result)
    assert (result.exit_code, found["fit"], "requestsPerSecond" in found) == (1, "DoesNotFit", False)


def test_weights_that_vllm_cannot_make_while_loading_have_no_speed(invoke: Invoke) -> None:
    result = invoke(*ASKED, "--quantization", "awq", "-o", "json")
    assert (result.exit_code, "cannot make them awq" in answer(result)["message"]) == (1, True)


def test_the_table_names_the_limit(invoke: Invoke) -> None:
    assert "timePerOutputToken" in invoke(*ASKED).stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--concurrency", "0"), "--concurrency: 0 must be a number above 0"),
        (("--concurrency", "nan"), "--concurrency: nan must be a number above 0"),
        (("--time-to-first-token", "-5"), "--time-to-first-token: -5 must be a number above 0"),
        (("--max-num-seqs", "0"), "--max-num-seqs: is 0"),
        (("--max-model-len", "1099"), "a request of 1100 tokens does not fit into the context of 1099"),
    ],
)
def test_bad_input_exits_with_2_and_names_the_flag(invoke: Invoke, arguments: tuple[str, ...], told: str) -> None:
    result = invoke(*ASKED, *arguments)
    assert result.exit_code == 2
    assert told in result.stderr
