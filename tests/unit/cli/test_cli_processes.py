"""The two commands that are processes in pods: they only hand over to their package."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from inferfleet.batch_worker.arguments import Arguments

Invoke = Callable[..., Result]
EXAMPLES = Path(__file__).parents[3] / "examples"


def test_the_batch_worker_understands_the_arguments_that_its_job_is_given(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = json.loads(invoke("plan", "-f", str(EXAMPLES), "-o", "json").stdout)
    (job,) = [manifest for plan in plans for manifest in plan["manifests"] if manifest["kind"] == "Job"]
    (worker,) = job["spec"]["template"]["spec"]["containers"]
    given: list[Arguments] = []

    def work(arguments: Arguments) -> int:
        given.append(arguments)
        return 75

    monkeypatch.setattr("inferfleet.batch_worker.main.run", work)

    result = invoke("batch-worker", *worker["args"])

    assert (worker["command"], result.exit_code) == (["inferfleet", "batch-worker"], 75), result.stderr
    assert (given[0].input, given[0].work_directory) == ("/batch/input/in.jsonl", Path("/batch/work"))
    assert given[0].environment["PATH"] == os.environ["PATH"]


def test_run_hands_over_to_the_operator(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[bool] = []
    monkeypatch.setattr("inferfleet.app.process.main", lambda: started.append(True))
    assert (invoke("run").exit_code, started) == (0, [True])


def test_run_refuses_a_setting_that_it_cannot_read(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFERFLEET_WORKERS", "many")
    result = invoke("run")
    assert (result.exit_code, "INFERFLEET_WORKERS='many'" in result.stderr) == (2, True)
