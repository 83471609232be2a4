"""`inferfleet plan -f examples/` needs no cluster and says what the operator decides for the same files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from inferfleet.cli.main import app
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.operator_process import OperatorProcess
from tests.controlplane.waiting import eventually

EXAMPLES = Path(__file__).parents[3] / "examples"
API = "inferfleet.dev/v1alpha1"
# What the decision settles; the words differ once something runs (`Cheapest` becomes `Kept`).
KEYS = ("pool", "gpuType", "tensorParallelSize", "capacityType", "verdict", "requiredGiB", "usableGiB", "replicas")


def decided(status: dict[str, Any]) -> dict[str, Any]:
    candidates = [{key: row.get(key) for key in KEYS} for row in status["decision"]["candidates"]]
    return {"placement": status["placement"], "candidates": candidates, "budgets": status["budgets"]}


def test_the_examples_are_decided_alike_from_files_and_by_the_operator(fresh_cluster: ControlPlane) -> None:
    result = CliRunner().invoke(app, ["plan", "-f", str(EXAMPLES), "-o", "json"])
    offline = {plan["name"]: decided(plan) for plan in json.loads(result.stdout)}

    fresh_cluster.apply_files(EXAMPLES)
    with OperatorProcess.start(fresh_cluster):
        eventually(lambda: len(in_cluster(fresh_cluster)) == len(offline), 60, describe="every example is decided")
        assert in_cluster(fresh_cluster) == offline


def in_cluster(cluster: ControlPlane) -> dict[str, Any]:
    items = cluster.objects.list(API, "InferenceDeployment", "default")
    return {item["metadata"]["name"]: decided(item["status"]) for item in items if "decision" in item.get("status", {})}
