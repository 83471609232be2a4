"""Pools that are not what they say, and prices and rates at the edge: what the statuses tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.hardware import L4, L40S
from tests.controlplane.nodes import POOL_LABEL, Pool, Provider, scale_pool
from tests.controlplane.waiting import eventually
from tests.integration.operator.conftest import API, Document, Team, condition, gpu_pool

pytestmark = pytest.mark.usefixtures("operator")

Opened = Callable[..., None]
SHARED = {"nvidia.com/gpu.sharing-strategy": "time-slicing", "nvidia.com/gpu.replicas": "4"}
SLICED = {"nvidia.com/gpu.product": "NVIDIA-L40S-MIG-1g.10gb", "nvidia.com/mig.strategy": "single"}
NOBODY_S = {"nvidia.com/gpu.product": "NVIDIA-Something-New", "node.kubernetes.io/instance-type": "new.12xlarge"}


@pytest.fixture
def opened(module_cluster: ControlPlane) -> Iterator[Opened]:
    """Open pools with their nodes; all are gone after the test."""
    pools: list[Pool] = []

    def open_pool(pool: Pool, nodes: int = 1, **spec: Any) -> None:
        pools.append(pool)
        scale_pool(module_cluster, pool, nodes)
        module_cluster.objects.apply(gpu_pool(pool, **spec))

    yield open_pool
    for pool in pools:
        module_cluster.objects.delete(API, "GPUPool", pool.name)
        scale_pool(module_cluster, pool, 0)


def l40s(name: str, **change: Any) -> Pool:
    return Pool(name=name, **{"gpu": L40S, "gpus_per_node": 4, "provider": Provider.EKS, **change})


def status_of(team: Team, pool: str) -> Document:
    """The status of a pool once the operator wrote one."""
    return eventually(lambda: team.cluster.objects.get(API, "GPUPool", pool)["status"], 60)


@pytest.mark.parametrize(
    ("described", "ready", "reason", "words"),
    [
        (l40s("other", gpu=L4), "NoMatchingPool", "GPUTypeMismatch", "the nodes carry nvidia-l4-24gb"),
        (
            l40s("new", labels=NOBODY_S),
            "NoCapacity",
            "GPUTypeMismatch",
            "NVIDIA-Something-New",
        ),
        (l40s("shared", labels=SHARED), "NoMatchingPool", "Understood", "share or slice"),
        (l40s("sliced", labels=SLICED), "NoMatchingPool", "Understood", "share or slice"),
    ],
    ids=["another GPU", "an unknown GPU", "time-sliced", "MIG"],
)
def test_nodes_without_whole_gpus_of_the_type_are_not_used(
    team: Team, opened: Opened, *, described: Pool, ready: str, reason: str, words: str
) -> None:
    opened(described)
    team.apply("chat", placement={"pools": [described.name]})
    message = condition(team.wait("chat", ready))["message"]

    told = condition({"status": status_of(team, described.name)})
    assert told["reason"] == reason
    assert words in message + told["message"]
    assert not team.children()


def test_a_node_without_a_memory_label_is_used_as_its_product_says(team: Team, opened: Opened) -> None:
    pool = l40s("unlabelled")
    opened(pool)
    (node,) = team.cluster.objects.list("v1", "Node", labels=pool.selector)
    labels = {"metadata": {"labels": {"nvidia.com/gpu.memory": None}}}
    team.cluster.objects.patch("v1", "Node", node["metadata"]["name"], patch=labels)
    team.apply("chat", placement={"pools": [pool.name]})
    team.wait("chat")
    team.delete("chat")
    eventually(lambda: not team.children("Pod"), 60)


def test_nodes_of_different_sizes_are_counted_as_they_are(team: Team, opened: Opened) -> None:
    opened(l40s("mixed"))
    small = l40s("mixed-small", gpus_per_node=1, labels={POOL_LABEL: "mixed"})
    scale_pool(team.cluster, small, 1)
    try:
        eventually(lambda: team.cluster.objects.get(API, "GPUPool", "mixed")["status"]["gpus"] == 5, 60)
        team.apply("chat", placement={"pools": ["mixed"]}, replicas=6)
        message = condition(team.wait("chat", "NoCapacity"))["message"]
        assert "room for 5" in message
    finally:
        scale_pool(team.cluster, small, 0)


def test_of_two_pools_over_the_same_nodes_one_counts_them_and_the_other_says_so(team: Team, opened: Opened) -> None:
    opened(l40s("twin-a"))
    second = gpu_pool(l40s("twin-b"), nodeSelector={POOL_LABEL: "twin-a"})
    team.cluster.objects.apply(second)
    try:
        told = condition({"status": status_of(team, "twin-b")})
        assert (told["status"], told["reason"]) == ("False", "NodesShared")
        assert "counted in twin-a" in told["message"]
        assert status_of(team, "twin-b").get("gpus", 0) == 0
    finally:
        team.cluster.objects.delete(API, "GPUPool", "twin-b")


def test_a_split_that_does_not_divide_the_heads_is_a_refused_candidate(team: Team, opened: Opened) -> None:
    pool = l40s("eight", gpus_per_node=8)
    opened(pool)
    team.apply("chat", placement={"pools": [pool.name]})
    candidates = team.wait("chat")["status"]["decision"]["candidates"]
    (refused,) = [item for item in candidates if item["pool"] == "eight" and item["tensorParallelSize"] == 8]
    assert (refused["verdict"], refused["reason"]) == ("Rejected", "TensorParallelNotDivisible")
    team.delete("chat")
    eventually(lambda: not team.children("Pod"), 60)


def test_a_price_of_zero_is_a_price(team: Team, opened: Opened) -> None:
    pool = l40s("free")
    opened(pool, usdPerGPUHour="0")
    team.apply("chat", placement={"pools": [pool.name]})
    assert team.wait("chat")["status"]["cost"]["usdPerMonth"] == "0.00"
    team.delete("chat")
    eventually(lambda: not team.children("Pod"), 60)


def test_a_rate_of_zero_runs_the_minimum(team: Team) -> None:
    team.apply("chat", traffic={"requestsPerSecond": "0", "inputTokens": 400, "outputTokens": 100})
    assert team.wait("chat")["status"]["placement"]["replicas"] == 1


def test_an_objective_that_nobody_can_meet_is_answered_with_the_best_reachable(team: Team) -> None:
    team.apply("chat", objectives={"timePerOutputTokenMilliseconds": 1})
    message = condition(team.wait("chat", "ObjectivesNotMet"))["message"]
    assert "a single request takes" in message
    assert "(objective 1)" in message
