"""How an explanation reads: what runs, what the engine measured, and what the operator wrote."""

from __future__ import annotations

import io
from dataclasses import replace
from decimal import Decimal

from rich.console import Console

from inferfleet.api.conditions import Condition
from inferfleet.api.enums import ConditionStatus
from inferfleet.api.v1alpha1 import InferenceDeploymentStatus
from inferfleet.api.v1alpha1.inference_deployment_status import MeasuredMemory
from inferfleet.cli.explain_view import table_of, values_of
from inferfleet.cli.explaining import Explanation
from inferfleet.domain.observed import Child, ContainerFacts
from inferfleet.observe.objects import InferenceDeploymentObject, Unreadable
from inferfleet.plan import decide
from inferfleet.report.decision_view import chosen_memory
from tests.builders import demand, pod_facts, pool, world

POD = pod_facts(requests=(("nvidia.com/gpu", 1),))
CHILD = Child(
    api_version="apps/v1",
    kind="Deployment",
    namespace="team-a",
    name="chat",
    uid="c",
    owner="u",
    deployment="chat",
    manifest_hash="",
    content=b"{}",
    replicas=2,
    ready_replicas=1,
)
BROKEN = Explanation(
    item=InferenceDeploymentObject(
        namespace="team-a",
        name="chat",
        uid="u",
        generation=2,
        created=None,
        deleting=False,
        content=Unreadable(message="spec.model: is required"),
    ),
    status=InferenceDeploymentStatus(),
    plan=None,
    problem="spec.model: is required",
    children=(),
    pods=(),
)


def shown(found: Explanation) -> str:
    stream = io.StringIO()
    Console(file=stream, width=200, highlight=False).print(table_of(found))
    return stream.getvalue()


def test_a_spec_that_cannot_be_read_is_named_with_its_problem() -> None:
    found = values_of(BROKEN)
    assert (found["ready"], found["reason"], found["message"]) == (False, "InvalidSpec", "spec.model: is required")
    assert "team-a/chat  InvalidSpec  spec.model: is required" in shown(BROKEN)


def test_nothing_that_runs_is_said_so() -> None:
    assert "Nothing runs." in shown(BROKEN)


def test_an_object_that_the_operator_never_saw_is_said_so() -> None:
    assert "The operator has written no status yet." in shown(BROKEN)


def test_workloads_show_how_many_are_ready_and_pods_where_they_are() -> None:
    text = shown(replace(BROKEN, children=(CHILD,), pods=(POD,)))
    assert "1 of 2 ready" in text
    assert "Pod chat-1       n1    Running, ready" in text
    assert "What runs: 1 of 1 pods ready" in text


def test_a_pod_without_a_node_shows_the_scheduler_s_words() -> None:
    waiting = replace(POD, node="", phase="Pending", ready=False, unscheduled="0/2 nodes are available")
    assert "0/2 nodes are available" in shown(replace(BROKEN, pods=(waiting,)))


def test_a_pod_whose_engine_cannot_start_shows_why() -> None:
    engine = ContainerFacts(name="engine", waiting="ImagePullBackOff", message="not found")
    failing = replace(POD, phase="Pending", ready=False, containers=(engine,))
    assert "engine: ImagePullBackOff not found" in shown(replace(BROKEN, pods=(failing,)))


def test_a_status_of_an_older_spec_is_marked() -> None:
    condition = Condition(type="Ready", status=ConditionStatus.TRUE, reason="Serving", message="2 of 2")
    status = InferenceDeploymentStatus(observed_generation=1, conditions=(condition,))
    text = shown(replace(BROKEN, status=status))
    assert "Status (of generation 1, now 2)" in text
    assert "Serving" in text


def test_what_the_engine_measured_stands_beside_the_prediction() -> None:
    (decision,) = decide(world(pool("l40s-od", "nvidia-l40s-48gb")), [demand()])
    predicted = chosen_memory(decision)
    assert predicted is not None
    measured = MeasuredMemory(weights_gib=Decimal("14.97"))
    status = InferenceDeploymentStatus(memory=predicted.model_copy(update={"measured": measured}))
    text = shown(replace(BROKEN, status=status))
    assert f"weights                  {predicted.weights_gib}     14.97" in text
    assert "not said" in text
