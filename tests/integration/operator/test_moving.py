"""Moves, stockouts and mixes on a real cluster: who runs, who serves, what is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.behaviour import behave, slow_start
from tests.controlplane.hardware import A100, L4, L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool
from tests.controlplane.objects import NotFoundError
from tests.controlplane.waiting import eventually
from tests.integration.operator.conftest import API, Document, Team, condition, gpu_pool

pytestmark = pytest.mark.usefixtures("operator")

WHEN_CHEAPER = {"policy": "WhenCheaper", "cooldownSeconds": 0}


class Market:
    """Pools that come and go during a test."""

    def __init__(self, cluster: ControlPlane) -> None:
        self._cluster = cluster
        self._pools: list[Pool] = []

    def open(self, pool: Pool, nodes: int, **spec: Any) -> None:
        """Add a pool with its nodes."""
        self._pools.append(pool)
        scale_pool(self._cluster, pool, nodes)
        self._cluster.objects.apply(gpu_pool(pool, **spec))

    def close(self) -> None:
        """Take all of them away."""
        for pool in self._pools:
            self._cluster.objects.delete(API, "GPUPool", pool.name)
            scale_pool(self._cluster, pool, 0)


@pytest.fixture
def market(team: Team) -> Iterator[Market]:
    """Pools beside the one that all tests of this folder share; gone before the team is."""
    opened = Market(team.cluster)
    yield opened
    opened.close()


def cheaper(name: str) -> Pool:
    return Pool(name=name, gpu=L40S, gpus_per_node=4, provider=Provider.EKS)


def rows(item: Document) -> list[tuple[str, str]]:
    return [(row["pool"], row["role"]) for row in item["status"]["placements"]]


def seen(team: Team, wanted: Callable[[Document], bool]) -> Document:
    """Wait until `chat` is as wanted; returns it."""

    def look() -> Document | None:
        item = team.get("chat")
        return item if wanted(item) else None

    return eventually(look, 60)


def move(team: Team, market: Market) -> None:
    """Have `chat` run in the shared pool, then open a cheaper one."""
    team.apply("chat", placement={"rebalance": WHEN_CHEAPER})
    team.wait("chat")
    market.open(cheaper("bargain"), 1, usdPerGPUHour="0.80")


def test_a_cheaper_pool_takes_over_without_a_gap(team: Team, market: Market) -> None:
    with behave(team.cluster, slow_start(4), namespace=team.namespace):
        move(team, market)
        both = seen(team, lambda item: len(rows(item)) == 2)
        assert rows(both) == [("bargain", "Base"), ("l40s", "Draining")]
        assert both["status"]["cost"]["usdPerHour"] == "2.40"
        assert condition(both, "Planned")["reason"] == "Moving"
        assert condition(both)["status"] == condition(both, "Available")["status"] == "True"

        after = seen(team, lambda item: rows(item) == [("bargain", "Base")])

    assert after["status"]["cost"]["usdPerHour"] == "0.80"
    assert "movedAt" in after["status"]["history"]
    eventually(lambda: len(team.children()) == 1, 30)


def test_the_old_pods_leave_only_after_the_new_ones_are_ready(team: Team, market: Market) -> None:
    with behave(team.cluster, slow_start(4), namespace=team.namespace):
        move(team, market)
        served = []

        def over() -> bool:
            served.append(sum(child["status"].get("readyReplicas", 0) for child in team.children()))
            return rows(team.get("chat")) == [("bargain", "Base")]

        eventually(over, 60)
    assert min(served) >= 1


def test_what_may_not_move_is_told_once(team: Team, market: Market) -> None:
    team.apply("chat")
    team.wait("chat")
    market.open(cheaper("bargain"), 1, usdPerGPUHour="0.80")

    item = seen(team, lambda item: bool(condition(item, "CheaperPlacement")))
    assert rows(item) == [("l40s", "Base")]
    assert "would cost 50 % less" in condition(item, "CheaperPlacement")["message"]
    team.cluster.objects.apply(gpu_pool(cheaper("bargain"), usdPerGPUHour="0.79"))
    eventually(lambda: told(team, "RebalanceNever") == 1, 30)


def test_a_pool_that_delivers_no_nodes_is_left_for_the_next_one(team: Team, market: Market) -> None:
    market.open(cheaper("empty"), 0, usdPerGPUHour="0.80", maxNodes=4)
    team.apply("chat")
    (pod,) = eventually(lambda: [found for found in team.children("Pod") if unscheduled(found)], 30)

    age(team, pod, timedelta(minutes=16))
    item = team.wait("chat")

    assert item["status"]["placement"]["pool"] == "l40s"
    assert [entry["pool"] for entry in item["status"]["history"]["backOffs"]] == ["empty"]
    reasons = {row["pool"]: row["reason"] for row in item["status"]["decision"]["candidates"]}
    assert reasons["empty"] == "PoolBackingOff"


def test_two_gpu_types_serve_behind_one_service(team: Team, market: Market) -> None:
    large = Pool(name="large", gpu=A100, gpus_per_node=8, provider=Provider.EKS)
    small = Pool(name="small", gpu=L4, gpus_per_node=1, provider=Provider.EKS)
    market.open(large, 1, gpuType="nvidia-a100-80gb", usdPerGPUHour="3.43")
    market.open(small, 4, gpuType="nvidia-l4-24gb", usdPerGPUHour="0.30")
    where = {"pools": ["large", "small"], "mixedGPUTypes": "Allowed", "maxTensorParallelSize": 1}
    limits = {"timePerOutputTokenMilliseconds": 120}
    traffic = {"inputTokens": 800, "outputTokens": 300}

    for rate in ("12", "14", "16", "18", "20"):
        team.apply("chat", placement=where, objectives=limits, traffic={"requestsPerSecond": rate, **traffic})
        item = team.wait("chat")
        if len(item["status"]["placements"]) == 2:
            break

    names = {row["name"]: row["replicas"] for row in item["status"]["placements"]}
    assert {child["metadata"]["name"]: child["spec"]["replicas"] for child in team.children()} == names
    assert len(names) == 2
    assert [service["metadata"]["name"] for service in team.children("Service")] == ["chat"]
    selector = team.children("Service")[0]["spec"]["selector"].items()
    assert all(selector <= pod["metadata"]["labels"].items() for pod in team.children("Pod"))


def told(team: Team, reason: str) -> int:
    """How many Events of this reason there are."""
    events = team.cluster.objects.list("events.k8s.io/v1", "Event", team.namespace)
    return sum(event["reason"] == reason for event in events)


def unscheduled(pod: Document) -> bool:
    found = (entry for entry in pod["status"].get("conditions", ()) if entry["type"] == "PodScheduled")
    return any(entry["status"] == "False" for entry in found)


def age(team: Team, pod: Document, by: timedelta) -> None:
    """Make it look as if the pod had waited for longer."""
    since = (datetime.now(UTC) - by).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [entry | {"lastTransitionTime": since} for entry in pod["status"]["conditions"]]
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    try:
        team.cluster.objects.patch(
            "v1", "Pod", name, namespace, patch={"status": {"conditions": conditions}}, subresource="status"
        )
    except NotFoundError:  # replaced meanwhile: the condition that is waited for says so
        return
