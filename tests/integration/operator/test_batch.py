"""A batch from its admission to its end: spot GPUs, a Job, money that is free again, and the ways not to get there."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from inferfleet.domain.exit_codes import BAD_INPUT
from tests.controlplane import ControlPlane
from tests.controlplane.behaviour import behave, complete, fail
from tests.controlplane.hardware import L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool
from tests.controlplane.waiting import eventually
from tests.integration.operator.conftest import API, MODEL, Team, budget, condition, gpu_pool

SPOT = Pool(name="l40s-spot", gpu=L40S, gpus_per_node=4, provider=Provider.EKS, spot=True)


@pytest.fixture(scope="module", autouse=True)
def spot(module_cluster: ControlPlane, operator: object) -> None:
    """Two nodes of four spot L40S each at half the price."""
    scale_pool(module_cluster, SPOT, 2)
    module_cluster.objects.apply(gpu_pool(SPOT, usdPerGPUHour="0.80"))


@pytest.fixture
def policy(team: Team) -> Iterator[str]:
    """A budget over the test's namespace."""
    name = f"budget-{team.namespace}"
    team.cluster.objects.apply(budget(name, team.namespace, "1000"))
    yield name
    team.cluster.objects.delete(API, "BudgetPolicy", name)


def apply(team: Team, *, name: str = "night", **change: Any) -> None:
    """Apply a batch of a thousand prompts."""
    claim = {"claimName": "prompts"}
    batch = {
        "input": {"persistentVolumeClaim": {**claim, "path": "in.jsonl"}},
        "output": {"persistentVolumeClaim": {**claim, "path": f"out/{name}.jsonl"}},
        "requests": 1000,
        "inputTokens": 500,
        "outputTokens": 100,
        "deadlineSeconds": 36_000,
        **change,
    }
    team.cluster.objects.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "prompts", "namespace": team.namespace},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }
    )
    team.cluster.objects.apply(
        {
            "apiVersion": API,
            "kind": "InferenceDeployment",
            "metadata": {"name": name, "namespace": team.namespace},
            "spec": {"model": {"id": MODEL}, "workload": {"class": "Batch"}, "batch": batch},
        }
    )


def reserved(team: Team, policy: str) -> str:
    found: str = team.cluster.objects.get(API, "BudgetPolicy", policy)["status"]["reservedUSDPerMonth"]
    return found


def test_a_batch_runs_on_spot_to_its_end_and_gives_its_money_back(team: Team, policy: str) -> None:
    with behave(team.cluster, complete(after_seconds=5), namespace=team.namespace):
        apply(team)
        item = team.wait("night", "Progressing")
        total = item["status"]["cost"]["usdTotal"]
        assert item["status"]["placement"]["capacityType"] == "Spot"
        eventually(lambda: reserved(team, policy) == total, 60, describe="the forecast is reserved")
        (pod,) = eventually(lambda: team.children("Pod"), 60)
        assert pod["spec"]["initContainers"][0]["restartPolicy"] == "Always"
        team.wait("night", "Completed")
    eventually(lambda: reserved(team, policy) == "0.00", 60, describe="nothing is reserved any more")


def test_input_that_can_never_work_ends_the_batch_at_once(team: Team) -> None:
    with behave(team.cluster, fail(exit_code=BAD_INPUT), namespace=team.namespace):
        apply(team)
        item = team.wait("night", "Failed")

    assert condition(item, "Stalled")["status"] == "True"
    assert len(team.children("Pod")) == 1


def test_time_spent_waiting_is_taken_off_the_deadline(team: Team, policy: str) -> None:
    team.cluster.objects.apply(budget(policy, team.namespace, "0"))
    apply(team)
    refused = team.wait("night", "OverBudget")
    team.cluster.objects.apply(budget(policy, team.namespace, "1000"))
    team.wait("night", "Progressing")

    (job,) = eventually(lambda: team.children("Job"), 60)
    assert job["spec"]["activeDeadlineSeconds"] <= refused["spec"]["batch"]["deadlineSeconds"]


def test_a_job_whose_pods_a_quota_refuses_says_where_to_look(team: Team) -> None:
    team.forbid_gpus()
    apply(team)
    message = condition(team.wait("night", "PodsFailing"))["message"]
    assert message.startswith("Job night: pods cannot be created: ")
    team.allow_gpus()


def test_a_batch_that_is_edited_never_runs_beside_its_former_self(team: Team) -> None:
    apply(team)
    (former,) = eventually(lambda: [pod for pod in team.children("Pod") if pod["spec"].get("nodeName")], 60)
    metadata = former["metadata"]
    ending = ["test.inferfleet.dev/still-ending"]
    patch = team.cluster.objects.patch
    patch("v1", "Pod", metadata["name"], team.namespace, patch={"metadata": {"finalizers": ending}})

    apply(team, inputTokens=600, deadlineSeconds=40_000)
    eventually(lambda: f"Pod {metadata['name']}" in condition(team.get("night"), "Applied")["message"], 60)
    assert [pod["metadata"]["uid"] for pod in team.children("Pod")] == [metadata["uid"]]

    patch("v1", "Pod", metadata["name"], team.namespace, patch={"metadata": {"finalizers": None}})
    team.wait("night", "Progressing")
    eventually(lambda: [pod for pod in team.children("Pod") if pod["metadata"]["uid"] != metadata["uid"]], 60)


def test_what_waits_for_the_money_of_a_batch_starts_when_it_ends(team: Team, policy: str) -> None:
    with behave(team.cluster, complete(after_seconds=5), namespace=team.namespace):
        apply(team)
        total = Decimal(team.wait("night", "Progressing")["status"]["cost"]["usdTotal"])
        team.cluster.objects.apply(budget(policy, team.namespace, str(total * 3 / 2)))
        apply(team, name="next")
        team.wait("next", "OverBudget")
        team.wait("night", "Completed")
        team.wait("next", "Completed")
