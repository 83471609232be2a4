"""A batch from its admission to its end: spot GPUs, a Job, money that is free again, and the ways not to get there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from inferfleet.domain.exit_codes import BAD_INPUT
from tests.controlplane import ControlPlane
from tests.controlplane.behaviour import behave, complete, fail
from tests.controlplane.hardware import L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool
from tests.controlplane.waiting import eventually
from tests.integration.operator.conftest import API, MODEL, Document, Team, budget, condition, gpu_pool

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


def apply(team: Team, *, placement: Document | None = None, **change: Any) -> None:
    """Apply a batch of a thousand prompts."""
    claim = {"claimName": "prompts"}
    batch = {
        "input": {"persistentVolumeClaim": {**claim, "path": "in.jsonl"}},
        "output": {"persistentVolumeClaim": {**claim, "path": "out/result.jsonl"}},
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
    spec = {"model": {"id": MODEL}, "workload": {"class": "Batch"}, "batch": batch}
    team.cluster.objects.apply(
        {
            "apiVersion": API,
            "kind": "InferenceDeployment",
            "metadata": {"name": "night", "namespace": team.namespace},
            "spec": spec | ({"placement": placement} if placement else {}),
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
