"""The examples for autoscalers, with Kubernetes' own autoscaler and a stand-in for the metrics adapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.waiting import eventually
from tests.integration.operator.conftest import Document, Team, budget, condition
from tests.integration.operator.metrics_api import Queue, metrics_api

pytestmark = pytest.mark.usefixtures("operator")

EXAMPLES = Path(__file__).parents[3] / "examples" / "autoscaling"


def documents(name: str) -> list[Document]:
    return list(yaml.safe_load_all((EXAMPLES / name).read_text(encoding="utf-8")))


@pytest.fixture
def queue(team: Team) -> Iterator[Queue]:
    """What the pods of this team's deployment report."""
    reported = Queue(lambda: [pod["metadata"]["name"] for pod in team.children("Pod")])
    with metrics_api(team.cluster, reported):
        yield reported


def apply(team: Team, *items: Document, **behavior: Any) -> None:
    for item in items:
        if item["kind"] == "HorizontalPodAutoscaler":
            item["spec"]["behavior"] |= behavior
        item["metadata"]["namespace"] = team.namespace
        team.cluster.objects.apply(item)


def replicas(team: Team) -> int:
    found: int = team.children()[0]["status"].get("readyReplicas", 0)
    return found


def test_a_queue_grows_the_deployment_and_its_end_shrinks_it(team: Team, queue: Queue) -> None:
    apply(team, *documents("hpa.yaml"), scaleDown={"stabilizationWindowSeconds": 0})
    team.wait("chat-autoscaled")

    queue.waiting = 20
    eventually(lambda: replicas(team) == 3, 60)
    assert team.get("chat-autoscaled")["spec"]["replicas"] == 3

    queue.waiting = 0
    eventually(lambda: team.get("chat-autoscaled")["spec"]["replicas"] == 1, 60)
    eventually(lambda: replicas(team) == 1, 60)


def test_the_plan_keeps_its_own_opinion_and_its_place(team: Team, queue: Queue) -> None:
    apply(team, *documents("hpa.yaml"))
    before = team.wait("chat-autoscaled")["status"]["placement"]

    queue.waiting = 20
    eventually(lambda: replicas(team) == 3, 60)

    status = team.get("chat-autoscaled")["status"]
    assert status["recommendedReplicas"] == 1
    assert {**status["placement"], "replicas": 1} == before


def test_growth_beyond_the_budget_is_held_back_and_said(team: Team, queue: Queue) -> None:
    team.cluster.objects.apply(budget(f"tight-{team.namespace}", team.namespace, "2400"))
    apply(team, *documents("hpa.yaml"))
    team.wait("chat-autoscaled")

    queue.waiting = 20
    held = eventually(lambda: within(team, "GrowthHeld"), 60)

    assert held["status"]["placement"]["replicas"] == 2
    eventually(lambda: replicas(team) == 2, 60)
    assert condition(held)["status"] == "True"


def test_what_keda_would_make_of_its_example_scales_too(team: Team, queue: Queue) -> None:
    """KEDA turns a ScaledObject into an autoscaler on an external metric; this is that autoscaler."""
    deployment, _ = documents("hpa.yaml")
    (scaled,) = documents("keda.yaml")
    spec = scaled["spec"]
    metric = {"name": "s0-prometheus", "selector": {"matchLabels": {"scaledobject.keda.sh/name": "chat-autoscaled"}}}
    target = {"type": "AverageValue", "averageValue": spec["triggers"][0]["metadata"]["threshold"]}
    autoscaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "keda-hpa-chat-autoscaled"},
        "spec": {
            "scaleTargetRef": spec["scaleTargetRef"],
            "minReplicas": spec["minReplicaCount"],
            "maxReplicas": spec["maxReplicaCount"],
            "metrics": [{"type": "External", "external": {"metric": metric, "target": target}}],
            "behavior": spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
        },
    }
    apply(team, deployment, autoscaler)
    team.wait("chat-autoscaled")

    queue.waiting = 12
    eventually(lambda: replicas(team) == 3, 60)


def within(team: Team, reason: str) -> Document | None:
    item = team.get("chat-autoscaled")
    return item if condition(item, "WithinBudget").get("reason") == reason else None
