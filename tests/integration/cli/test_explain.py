"""`inferfleet explain` and `inferfleet plan` beside a running operator: one decision, three ways to see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from inferfleet.cli.main import app
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.hardware import L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool
from tests.controlplane.operator_process import OperatorProcess
from tests.controlplane.waiting import eventually

API = "inferfleet.dev/v1alpha1"
TEAM = "team-a"
POOL = Pool(name="l40s-od", gpu=L40S, gpus_per_node=4, provider=Provider.EKS)

Document = dict[str, Any]

GPU_POOL: Document = {
    "apiVersion": API,
    "kind": "GPUPool",
    "metadata": {"name": POOL.name},
    "spec": {
        "gpuType": "nvidia-l40s-48gb",
        "gpusPerNode": 4,
        "capacityType": "OnDemand",
        "nodeSelector": POOL.selector,
        "usdPerGPUHour": "1.60",
    },
}
BUDGET: Document = {
    "apiVersion": API,
    "kind": "BudgetPolicy",
    "metadata": {"name": TEAM},
    "spec": {"namespaceSelector": {"matchLabels": {"team": "a"}}, "usdPerMonth": "5000"},
}
NAMESPACE: Document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TEAM, "labels": {"team": "a"}}}


def deployment(name: str, **placement: object) -> Document:
    return {
        "apiVersion": API,
        "kind": "InferenceDeployment",
        "metadata": {"name": name, "namespace": TEAM},
        "spec": {
            "model": {"id": "Qwen/Qwen2.5-7B-Instruct"},
            "workload": {"class": "RealTime"},
            "traffic": {"requestsPerSecond": "4", "inputTokens": 800, "outputTokens": 300},
            "placement": placement,
        },
    }


CHAT, STRANDED = deployment("chat"), deployment("stranded", regions=["us-east-1"])


@pytest.fixture(scope="module")
def cluster_with_operator(module_cluster: ControlPlane) -> Iterator[ControlPlane]:
    """Two deployments, one that runs and one that cannot, as the operator left them."""
    scale_pool(module_cluster, POOL, 2)
    module_cluster.create_namespace(TEAM, labels={"team": "a"})
    for document in (GPU_POOL, BUDGET, CHAT, STRANDED):
        module_cluster.objects.apply(document)
    with OperatorProcess.start(module_cluster):
        eventually(lambda: ready_reason(module_cluster, "chat") == "Serving", 90, describe="chat serves")
        eventually(
            lambda: ready_reason(module_cluster, "stranded") == "NoMatchingPool", 90, describe="stranded is refused"
        )
        yield module_cluster


def stored(cluster: ControlPlane, name: str) -> Document:
    return cluster.objects.get(API, "InferenceDeployment", name, TEAM)


def ready_reason(cluster: ControlPlane, name: str) -> str:
    conditions = stored(cluster, name).get("status", {}).get("conditions", ())
    return next((entry["reason"] for entry in conditions if entry["type"] == "Ready"), "")


def inferfleet(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "240"}).invoke(app, arguments, input=stdin)


def explained(cluster: ControlPlane, name: str, *options: str) -> Result:
    return inferfleet(
        "explain", f"infd/{name}", "-n", TEAM, "--kubeconfig", str(cluster.kubeconfig), "--no-hub", *options
    )


def test_what_runs_is_explained_as_the_status_says_it(cluster_with_operator: ControlPlane) -> None:
    status = stored(cluster_with_operator, "chat")["status"]
    result = explained(cluster_with_operator, "chat", "-o", "json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["ready"]) == (0, True)
    assert [found["placement"], found["placements"]] == [status["placement"], status["placements"]]
    assert {key: found["cost"][key] for key in status["cost"]} == status["cost"]
    assert {key: found["memory"][key] for key in status["memory"]} == status["memory"]
    assert found["budgets"] == status["budgets"]


def test_pods_and_conditions_are_shown(cluster_with_operator: ControlPlane) -> None:
    found = json.loads(explained(cluster_with_operator, "chat", "-o", "json").stdout)
    pods = cluster_with_operator.objects.list("v1", "Pod", TEAM)
    assert {pod["name"] for pod in found["running"]["pods"]} == {pod["metadata"]["name"] for pod in pods}
    assert {entry["type"]: entry["status"] for entry in found["conditions"]}["Ready"] == "True"


def test_a_person_reads_the_decision_what_runs_and_the_status(cluster_with_operator: ControlPlane) -> None:
    shown = explained(cluster_with_operator, "chat").stdout
    assert f"{TEAM}/chat  Decided" in shown
    assert "What runs: 1 of 1 pods ready" in shown
    assert "MinimumReplicasReady" in shown


def test_what_cannot_be_served_exits_with_1_and_the_operator_s_own_words(cluster_with_operator: ControlPlane) -> None:
    conditions = stored(cluster_with_operator, "stranded")["status"]["conditions"]
    ready = next(entry for entry in conditions if entry["type"] == "Ready")
    result = explained(cluster_with_operator, "stranded", "-o", "json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["reason"], found["message"]) == (1, ready["reason"], ready["message"])


def test_the_same_objects_in_files_give_the_operator_s_decision(cluster_with_operator: ControlPlane) -> None:
    nodes = cluster_with_operator.objects.list("v1", "Node")
    documents = [GPU_POOL, BUDGET, NAMESPACE, CHAT, STRANDED, *({**node, "kind": "Node"} for node in nodes)]
    documents = [{"apiVersion": "v1", **document} for document in documents]
    result = inferfleet("plan", "-f", "-", "-o", "json", stdin=yaml.safe_dump_all(documents))
    offline = {plan["name"]: plan for plan in json.loads(result.stdout)}
    for name in ("chat", "stranded"):
        status = stored(cluster_with_operator, name)["status"]
        assert offline[name]["placement"] == status.get("placement")
        assert numbers(offline[name]["decision"]["candidates"]) == numbers(status["decision"].get("candidates", []))


def numbers(candidates: list[Document]) -> list[Document]:
    """Candidates without the words for whether something runs already: `Kept` was `Cheapest` before it ran."""
    keys = ("pool", "gpuType", "tensorParallelSize", "capacityType", "requiredGiB", "usableGiB", "replicas", "verdict")
    return [{key: candidate.get(key) for key in keys} for candidate in candidates]


def test_a_what_if_shows_the_growth_that_a_higher_rate_would_bring(cluster_with_operator: ControlPlane) -> None:
    found = json.loads(explained(cluster_with_operator, "chat", "--what-if", "rate=20", "-o", "json").stdout)
    assert found["placement"]["replicas"] > stored(cluster_with_operator, "chat")["status"]["placement"]["replicas"]


def test_a_what_if_charges_what_runs_at_the_assumed_price(cluster_with_operator: ControlPlane) -> None:
    options = ("--what-if", "price:nvidia-l40s-48gb=3.00", "-o", "json")
    found = json.loads(explained(cluster_with_operator, "chat", *options).stdout)
    assert (found["cost"]["usdPerHour"], found["cost"]["priceSource"]) == ("3.00", "what if")


def test_an_object_that_does_not_exist_is_bad_input_and_names_those_that_do(
    cluster_with_operator: ControlPlane,
) -> None:
    result = explained(cluster_with_operator, "chit")
    assert result.exit_code == 2
    assert f"infd/chit: is not in namespace {TEAM}; there are: chat, stranded" in result.stderr


def test_a_user_who_may_not_read_the_cluster_is_told_what_is_missing(cluster_with_operator: ControlPlane) -> None:
    kubeconfig = cluster_with_operator.kubeconfig_for_service_account(TEAM, "default")
    result = inferfleet("explain", "infd/chat", "-n", TEAM, "--kubeconfig", str(kubeconfig), "--no-hub")
    assert result.exit_code == 3
    assert "may not read what a decision depends on" in result.stderr
