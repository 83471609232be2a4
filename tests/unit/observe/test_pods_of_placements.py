"""How far the pods of a placement got, as a move has to know it."""

from dataclasses import replace
from datetime import UTC, datetime

from inferfleet.domain.demand import Pods
from inferfleet.domain.observed import Child, ChildCondition
from inferfleet.observe.holdings import pods_of_placement
from tests.builders import pod_facts

SINCE = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
POD = pod_facts(placement="chat")
WAITING = replace(POD, name="chat-2", node="", ready=False, phase="Pending", unscheduled="0/3", unscheduled_since=SINCE)
DEPLOYMENT = Child(
    api_version="apps/v1",
    kind="Deployment",
    namespace="team",
    name="chat",
    uid="d",
    owner="o",
    deployment="chat",
    manifest_hash="",
    content=b"{}",
    ready_replicas=1,
)


def test_pods_are_counted_by_how_far_they_got() -> None:
    assert pods_of_placement("chat", 2, [POD, WAITING], DEPLOYMENT) == Pods(
        placement="chat", ready=1, scheduled=1, unscheduled=1, unscheduled_since=SINCE
    )


def test_the_first_that_waits_sets_the_time() -> None:
    later = replace(WAITING, name="chat-3", unscheduled_since=SINCE.replace(hour=13))
    assert pods_of_placement("chat", 2, [later, WAITING], DEPLOYMENT).unscheduled_since == SINCE


def test_a_pod_is_ready_only_when_its_deployment_counts_it() -> None:
    assert pods_of_placement("chat", 1, [POD], replace(DEPLOYMENT, ready_replicas=0)).ready == 0


def test_the_pods_of_a_job_speak_for_themselves() -> None:
    assert pods_of_placement("chat", 1, [POD], replace(DEPLOYMENT, kind="Job", ready_replicas=0)).ready == 1


def test_pods_that_leave_have_ended_or_belong_elsewhere_do_not_count() -> None:
    others = [replace(POD, deleting=True), replace(POD, phase="Failed"), replace(POD, placement="chat-2")]
    assert pods_of_placement("chat", 1, others, DEPLOYMENT) == Pods(placement="chat")


def test_pods_that_no_node_would_help_are_stuck() -> None:
    gated = replace(WAITING, unscheduled="gated", stuck=True)
    found = pods_of_placement("chat", 2, [POD, gated], DEPLOYMENT)
    assert found == Pods(placement="chat", ready=1, scheduled=1, stuck_since=SINCE, stuck="gated")


def test_pods_that_a_quota_refuses_are_stuck_as_well() -> None:
    refused = ChildCondition(type="ReplicaFailure", status="True", reason="FailedCreate", message="quota", since=SINCE)
    found = pods_of_placement("chat", 3, [POD], replace(DEPLOYMENT, conditions=(refused,)))
    assert found == Pods(placement="chat", ready=1, scheduled=1, stuck_since=SINCE, stuck="quota")


def test_a_job_that_never_got_a_pod_waits_since_it_was_created() -> None:
    found = pods_of_placement("chat", 1, [], replace(DEPLOYMENT, kind="Job", created=SINCE))
    assert (found.unscheduled, found.stuck_since) == (0, SINCE)


def test_a_job_that_retries_after_a_failure_waits_for_nothing() -> None:
    assert pods_of_placement("chat", 1, [], replace(DEPLOYMENT, kind="Job", created=SINCE, failed=1)).unscheduled == 0
