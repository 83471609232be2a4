"""The command line as a function: arguments in, status and both streams out; and files to give it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from inferfleet.cli.main import app

Invoke = Callable[..., Result]

POOL = """
apiVersion: inferfleet.dev/v1alpha1
kind: GPUPool
metadata: {name: l40s-od}
spec:
  gpuType: nvidia-l40s-48gb
  gpusPerNode: 4
  capacityType: OnDemand
  nodeSelector: {pool: l40s-od}
  maxNodes: 8
  usdPerGPUHour: "1.60"
"""
CHAT = """
apiVersion: inferfleet.dev/v1alpha1
kind: InferenceDeployment
metadata: {name: chat}
spec:
  model: {id: meta-llama/Llama-3.1-8B-Instruct}
  workload: {class: RealTime}
  traffic: {requestsPerSecond: "4", requestsPerMonth: 2000000, inputTokens: 800, outputTokens: 300}
"""


@pytest.fixture
def invoke() -> Invoke:
    """Call `inferfleet` with these arguments, in a terminal wide enough for every table."""
    runner = CliRunner(env={"COLUMNS": "240", "INFERFLEET_WORKER_IMAGE": ""})

    def call(*arguments: str, stdin: str | None = None) -> Result:
        return runner.invoke(app, arguments, input=stdin)

    return call


@pytest.fixture
def planned(invoke: Invoke) -> Callable[..., list[dict[str, Any]]]:
    """Plan these YAML documents and return what `-o json` prints."""

    def plan(*documents: str, options: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        result = invoke("plan", "-f", "-", "-o", "json", *options, stdin="\n---\n".join(documents))
        assert result.exit_code in (0, 1), result.stderr
        found: list[dict[str, Any]] = json.loads(result.stdout)
        return found

    return plan


@pytest.fixture
def pool() -> str:
    """One pool of L40S nodes with a price."""
    return POOL


@pytest.fixture
def chat() -> str:
    """A chat deployment that fits on that pool."""
    return CHAT


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, str], str]:
    """Write a file and return its path."""

    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write
