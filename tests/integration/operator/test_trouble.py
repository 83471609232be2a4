"""Pods that fail say why in Ready, with what a person can do about it."""

from __future__ import annotations

import pytest

from tests.controlplane.behaviour import (
    Behaviour,
    crash_loop,
    cuda_out_of_memory,
    host_out_of_memory,
    image_pull_failure,
    slow_start,
)
from tests.controlplane.behaviour import behave as behaving
from tests.controlplane.hardware import L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool
from tests.controlplane.waiting import eventually
from tests.integration.operator.conftest import API, Team, condition, gpu_pool

pytestmark = pytest.mark.usefixtures("operator")


@pytest.mark.parametrize(
    ("behaviour", "reason", "words"),
    [
        (image_pull_failure(), "ImagePullFailed", "manifest unknown"),
        (cuda_out_of_memory(), "EngineOutOfMemory", "CUDA out of memory"),
        (crash_loop(message="ValueError: no such model"), "PodsFailing", "no such model"),
        (host_out_of_memory(), "PodsFailing", "OOMKilled"),
    ],
    ids=["image", "gpu-memory", "crash", "host-memory"],
)
def test_pods_that_fail_are_told_apart(team: Team, behaviour: Behaviour, reason: str, words: str) -> None:
    with behaving(team.cluster, behaviour, namespace=team.namespace):
        team.apply("chat")
        item = team.wait("chat", reason)

    assert words in condition(item)["message"]
    assert condition(item, "Available")["status"] == "False"


def test_an_engine_that_loads_for_a_while_is_progressing(team: Team) -> None:
    with behaving(team.cluster, slow_start(5), namespace=team.namespace):
        team.apply("chat")
        item = team.wait("chat", "Progressing")

    assert condition(item, "Stalled") == {}
    team.wait("chat")


def test_a_refused_change_leaves_the_last_admitted_placement_running(team: Team) -> None:
    team.apply("chat")
    team.wait("chat")
    before = team.children()[0]["metadata"]["generation"]

    team.apply("chat", model={"id": "nobody/knows-this"})
    item = team.wait("chat", "ModelUnknown")

    assert condition(item, "Available")["status"] == "True"
    assert item["status"]["placement"]["replicas"] == 1
    assert team.children()[0]["metadata"]["generation"] == before


def test_what_a_refused_change_left_running_is_still_repaired(team: Team) -> None:
    team.apply("chat")
    team.wait("chat")
    team.apply("chat", model={"id": "nobody/knows-this"})
    team.wait("chat", "ModelUnknown")
    (before,) = team.children()

    team.cluster.objects.delete("apps/v1", "Deployment", "chat", team.namespace)

    def back() -> bool:
        (child,) = team.children()
        return bool(child["metadata"]["uid"] != before["metadata"]["uid"] and child["spec"] == before["spec"])

    eventually(back, 60, describe="the Deployment as it was admitted")


def test_a_pool_at_zero_is_waited_for_and_the_status_says_so(team: Team) -> None:
    pool = Pool(name="l40s-zero", gpu=L40S, gpus_per_node=4, provider=Provider.EKS)
    team.cluster.objects.apply(gpu_pool(pool, maxNodes=2))
    try:
        team.apply("chat", placement={"pools": [pool.name]})

        def waits() -> bool:
            return "add a node" in condition(team.get("chat"))["message"]

        eventually(waits, 60)
        scale_pool(team.cluster, pool, 1)
        team.wait("chat")
    finally:
        team.delete("chat")
        eventually(lambda: not team.children("Pod"), 60)
        team.cluster.objects.delete(API, "GPUPool", pool.name)
        scale_pool(team.cluster, pool, 0)


def test_pods_that_a_quota_refuses_are_told_with_its_numbers(team: Team) -> None:
    team.forbid_gpus()
    team.apply("chat")
    message = condition(team.wait("chat", "PodsFailing"))["message"]
    assert message.startswith("Deployment chat: pods cannot be created: ")
    assert "exceeded quota: no-gpus" in message

    team.allow_gpus()
    team.wait("chat", timeout=90)
