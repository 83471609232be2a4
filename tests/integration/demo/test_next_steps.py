"""Every command that the demo invites people to type works, and shows what the demo says it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.controlplane.demo.answers import condition, pods_of, problems
from tests.controlplane.demo.next_steps import next_steps
from tests.controlplane.demo.scene import running_world
from tests.controlplane.demo.terminal import Terminal
from tests.controlplane.demo.world import API, World
from tests.controlplane.objects import Manifest
from tests.controlplane.waiting import eventually


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with running_world() as running:
        yield running


@pytest.fixture(scope="module")
def terminal(world: World, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal.on(world.cluster, tmp_path_factory.mktemp("terminal"))


def deployment(world: World, name: str) -> Manifest:
    return world.cluster.objects.get(API, "InferenceDeployment", name, "default")


@contextmanager
def trying(world: World, terminal: Terminal, name: str) -> Iterator[str]:
    """Type the commands of one step, give what they printed, and undo them afterwards."""
    (step,) = [step for step in next_steps(world.cluster) if step.name == name]
    printed = [terminal.run(command) for command in step.commands]
    try:
        for command, each in zip(step.commands, printed, strict=True):
            assert each.status == 0, f"{command}\n{each.text}"
        yield "".join(each.text for each in printed)
    finally:
        for command in step.undo:
            assert terminal.run(command).status == 0, command


def test_nothing_is_wrong_with_the_world_before(world: World) -> None:
    assert problems(world) == []


def test_a_price_that_is_edited_changes_the_cost_and_not_the_place(world: World, terminal: Terminal) -> None:
    before = deployment(world, "chat")["status"]
    with trying(world, terminal, "price"):

        def dearer() -> bool:
            status = deployment(world, "chat")["status"]
            assert status["cost"]["usdPerHour"] == "4.50"
            return bool(status["placement"] == before["placement"])

        assert eventually(dearer)
    eventually(lambda: deployment(world, "chat")["status"]["cost"] == before["cost"])


def test_a_drained_node_sends_the_pod_to_another_node_of_the_pool(world: World, terminal: Terminal) -> None:
    (before,) = pods_of(world.cluster, deployment(world, "chat"))
    with trying(world, terminal, "drain"):
        (after,) = [pod for pod in pods_of(world.cluster, deployment(world, "chat")) if _lives(pod)]
        assert after["spec"]["nodeName"] in set(world.nodes["a100-od"]) - {before["spec"]["nodeName"]}


def test_more_than_the_budget_holds_is_refused_and_starts_nothing(world: World, terminal: Terminal) -> None:
    with trying(world, terminal, "budget") as printed:
        refused = deployment(world, "second-70b")
        assert condition(refused)["reason"] == "OverBudget"
        assert "BudgetPolicy team-a has" in printed
        assert pods_of(world.cluster, refused) == []
        assert any("second-70b is not Ready" in problem for problem in problems(world))


def test_more_traffic_brings_a_second_replica_that_the_budget_pays_for(world: World, terminal: Terminal) -> None:
    with trying(world, terminal, "traffic"):
        status = deployment(world, "chat")["status"]
        assert status["placement"]["replicas"] == status["readyReplicas"] == 2
        assert condition({"status": status}, "WithinBudget")["status"] == "True"


def _lives(pod: Manifest) -> bool:
    return "deletionTimestamp" not in pod["metadata"]
