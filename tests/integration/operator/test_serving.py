"""From an applied InferenceDeployment to ready pods, and back."""

from __future__ import annotations

from tests.controlplane import Cluster
from tests.controlplane.nodes import Pool
from tests.controlplane.operator_process import OperatorProcess
from tests.controlplane.waiting import eventually
from tests.integration.operator.conftest import API, condition, real_time, wait_ready


def test_an_applied_deployment_becomes_ready_pods_with_its_cost_and_reason_in_the_status(
    cluster: Cluster, namespace: str, pool: Pool, operator: OperatorProcess
) -> None:
    cluster.objects.apply(real_time("chat", namespace, pool=pool.name))

    item = wait_ready(cluster, namespace, "chat")

    status = item["status"]
    assert status["placement"]["pool"] == pool.name
    assert status["placement"]["gpuType"] == "nvidia-l40s-48gb"
    assert status["cost"]["usdPerMonth"] == "1168.00"
    assert status["readyReplicas"] == status["placement"]["replicas"] == 1
    assert status["decision"]["candidates"][0]["verdict"] == "Chosen"
    assert {entry["type"]: entry["status"] for entry in status["conditions"]} == {
        "Accepted": "True",
        "Planned": "True",
        "WithinBudget": "True",
        "Applied": "True",
        "Available": "True",
        "Ready": "True",
    }


def test_children_go_with_their_owner(cluster: Cluster, namespace: str, pool: Pool, operator: OperatorProcess) -> None:
    cluster.objects.apply(real_time("chat", namespace, pool=pool.name))
    wait_ready(cluster, namespace, "chat")

    cluster.objects.delete(API, "InferenceDeployment", "chat", namespace)

    eventually(lambda: not cluster.objects.list("apps/v1", "Deployment", namespace), 60)
    eventually(lambda: not cluster.objects.list("v1", "Pod", namespace), 60)


def test_a_model_that_nobody_knows_is_refused_with_a_remedy(
    cluster: Cluster, namespace: str, pool: Pool, operator: OperatorProcess
) -> None:
    cluster.objects.apply(real_time("chat", namespace, model={"id": "nobody/knows-this"}))

    item = wait_ready(cluster, namespace, "chat", reason="ModelUnknown")

    assert "ModelProfile" in condition(item)["message"]
    assert condition(item, "Stalled")["status"] == "True"
    assert not cluster.objects.list("apps/v1", "Deployment", namespace)
