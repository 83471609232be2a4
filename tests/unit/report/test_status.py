"""The status as a pure function: what each situation says, and what is not worth a write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inferfleet.api.conditions import Condition, find_condition
from inferfleet.api.v1alpha1 import InferenceDeploymentStatus
from inferfleet.domain.observed import Child, ChildCondition, ContainerFacts, PodFacts
from inferfleet.domain.packing import pack
from inferfleet.plan import decide
from inferfleet.report.observation import RESERVED_ONLY, UP_TO_DATE, Observation
from inferfleet.report.status import change, reserves, status
from tests import builders

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EMPTY = InferenceDeploymentStatus()


def workload(ready: int, *, replicas: int | None = None, **facts: Any) -> Child:
    count = ready if replicas is None else replicas
    return Child(
        api_version="apps/v1",
        kind="Deployment",
        namespace="team-a",
        name="chat",
        uid="d",
        owner="uid-team-a-chat",
        deployment="chat",
        manifest_hash="h",
        content=pack({}),
        generation=1,
        observed_generation=1,
        replicas=count,
        ready_replicas=ready,
        updated_replicas=count,
        **facts,
    )


def pod(**facts: Any) -> PodFacts:
    pending = builders.pod_facts(node="", phase="Pending", ready=False)
    return replace(pending, **facts)


def observation(*children: Child, **change: Any) -> Observation:
    demand = builders.demand()
    (decision,) = decide(builders.world(builders.pool("l40s", "nvidia-l40s-48gb")), [demand])
    seen = Observation(
        generation=1,
        spec=demand.spec,
        decision=decision,
        application=UP_TO_DATE,
        children={child.identity: child for child in children},
        pods=(),
        may_grow=False,
        now=NOW,
    )
    return replace(seen, **change)


def condition(item: InferenceDeploymentStatus, kind: str = "Ready") -> Condition:
    found = find_condition(item.conditions, kind)
    assert found is not None
    return found


def test_a_reservation_is_a_status_that_promises_and_says_that_nothing_runs_yet() -> None:
    reserved = status("chat", EMPTY, observation(application=RESERVED_ONLY))

    assert reserves(EMPTY, reserved)
    assert not reserves(reserved, reserved)
    assert (condition(reserved).status, condition(reserved).reason) == ("False", "Progressing")
    assert condition(reserved, "Applied").status == "Unknown"


def test_ready_replicas_make_it_serving() -> None:
    item = status("chat", EMPTY, observation(workload(1)))

    assert (condition(item).status, condition(item).reason) == ("True", "Serving")
    assert (item.replicas, item.ready_replicas, item.selector) == (1, 1, "inferfleet.dev/deployment=chat")


def test_an_old_template_that_still_serves_is_available_and_not_ready() -> None:
    item = status("chat", EMPTY, observation(replace(workload(1, replicas=2), updated_replicas=1)))

    assert condition(item, "Available").status == "True"
    assert condition(item).reason == "Progressing"


def test_a_refusal_is_stalled_and_reserves_nothing() -> None:
    item = status("chat", EMPTY, observation(decision=_refusal()))

    assert condition(item).reason == "NoMatchingPool"
    assert condition(item, "Planned").status == "False"
    assert condition(item, "Stalled").status == "True"
    assert item.placement is None


def _refusal() -> Any:
    (decision,) = decide(builders.world(), [builders.demand()])
    return decision


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"containers": (ContainerFacts(name="engine", waiting="ImagePullBackOff"),)}, "ImagePullFailed"),
        ({"containers": (ContainerFacts(name="engine", waiting="CrashLoopBackOff", restarts=3),)}, "PodsFailing"),
        (
            {
                "containers": (
                    ContainerFacts(
                        name="engine",
                        waiting="CrashLoopBackOff",
                        last_terminated="Error",
                        last_message="torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB",
                    ),
                )
            },
            "EngineOutOfMemory",
        ),
        ({"unscheduled": "0/3 nodes", "unscheduled_since": NOW - timedelta(minutes=1)}, "Unschedulable"),
        ({"unscheduled": "0/3 nodes", "unscheduled_since": NOW}, "Progressing"),
        ({"containers": (ContainerFacts(name="engine", waiting="ContainerCreating"),)}, "Progressing"),
    ],
)
def test_pods_that_are_not_ready_are_told_apart(facts: dict[str, Any], reason: str) -> None:
    item = status("chat", EMPTY, observation(workload(0, replicas=1), pods=(pod(**facts),)))

    assert condition(item).reason == reason


def test_an_engine_that_its_start_up_probe_ends_again_and_again_is_failing_whatever_its_exit_code() -> None:
    engine = ContainerFacts(name="engine", restarts=3, last_terminated="Completed", exit_code=0)

    item = status("chat", EMPTY, observation(workload(0, replicas=1), pods=(pod(containers=(engine,)),)))

    assert condition(item).reason == "PodsFailing"
    assert "ended with Completed, exit code 0, 3 restarts" in condition(item).message


@pytest.mark.parametrize(
    "container",
    [
        ContainerFacts(name="engine", restarts=3, last_terminated="Completed", exit_code=0, ready=True),
        ContainerFacts(name="fetch", terminated="Completed", exit_code=0),
    ],
    ids=["ready again", "an init container that is done"],
)
def test_what_ended_well_or_came_back_is_no_failure(container: ContainerFacts) -> None:
    item = status("chat", EMPTY, observation(workload(0, replicas=1), pods=(pod(containers=(container,)),)))

    assert condition(item).reason == "Progressing"


def test_a_deployment_without_progress_says_what_its_pods_wait_for() -> None:
    late = ChildCondition(type="Progressing", status="False", reason="ProgressDeadlineExceeded", message="timed out")
    engine = ContainerFacts(name="engine", waiting="ContainerCreating")
    waiting = pod(placement="chat", node="n1", containers=(engine,))

    item = status("chat", EMPTY, observation(workload(0, replicas=1, conditions=(late,)), pods=(waiting,)))

    assert condition(item).reason == "PodsFailing"
    words = "Deployment chat makes no progress: pod chat-1: container engine ContainerCreating"
    assert condition(item).message == words


def test_a_pool_that_may_grow_is_waited_for() -> None:
    waiting = pod(unscheduled="0/3 nodes", unscheduled_since=NOW - timedelta(minutes=1))

    item = status("chat", EMPTY, observation(workload(0, replicas=1), pods=(waiting,), may_grow=True))

    assert condition(item).reason == "Progressing"
    assert "add a node" in condition(item).message


def test_a_pod_that_no_node_would_help_does_not_wait_for_the_pool() -> None:
    words = '0/9 nodes are available: persistentvolumeclaim "models" not found.'
    waiting = pod(unscheduled=words, unscheduled_since=NOW - timedelta(minutes=1), stuck=True)

    item = status("chat", EMPTY, observation(workload(0, replicas=1), pods=(waiting,), may_grow=True))

    assert (condition(item).reason, condition(item).message) == ("Unschedulable", f"pod chat-1: {words}")


def test_the_same_situation_later_gives_the_same_status() -> None:
    first = status("chat", EMPTY, observation(workload(1)))

    later = status("chat", first, observation(workload(1), now=NOW + timedelta(hours=5)))

    assert later == first
    assert not change(first, later).any


def test_a_kept_placement_does_not_rewrite_the_record_of_the_decision() -> None:
    first = status("chat", EMPTY, observation(workload(1)))
    demand = builders.demand()
    before = observation(workload(1))
    world = builders.world(
        builders.pool("l40s", "nvidia-l40s-48gb"), holdings=[builders.holding(demand, before.decision)]
    )
    (kept,) = decide(world, [demand])

    later = status("chat", first, replace(before, decision=kept, now=NOW + timedelta(hours=1)))

    assert kept.candidates[0].reason == "Kept"
    assert later == first


def test_a_time_changes_only_when_the_status_flips() -> None:
    first = status("chat", EMPTY, observation(workload(0, replicas=1)))
    later = status("chat", first, observation(workload(1), now=NOW + timedelta(minutes=3)))

    assert condition(later).last_transition_time == NOW + timedelta(minutes=3)
    assert condition(later, "Planned").last_transition_time == NOW


def test_counts_alone_are_no_substance() -> None:
    first = status("chat", EMPTY, observation(workload(1)))
    later = status("chat", first, observation(workload(1, replicas=2)))

    assert change(first, later).any
    assert not change(first, later).substance
