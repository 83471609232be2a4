"""From an applied deployment to ready pods; what is broken by hand is repaired, what is foreign is left alone."""

from __future__ import annotations

import pytest

from tests.controlplane.operator_process import OperatorProcess
from tests.controlplane.waiting import eventually
from tests.integration.operator.conftest import Team, condition

pytestmark = pytest.mark.usefixtures("operator")


def test_an_applied_deployment_becomes_ready_pods_with_its_cost_and_reason_in_the_status(team: Team) -> None:
    team.apply("chat")

    status = team.wait("chat")["status"]

    assert status["placement"]["pool"] == "l40s"
    assert status["placement"]["gpuType"] == "nvidia-l40s-48gb"
    assert status["cost"]["usdPerMonth"] == "1168.00"
    assert status["readyReplicas"] == status["placement"]["replicas"] == 1
    assert status["decision"]["candidates"][0]["verdict"] == "Chosen"
    assert {entry["type"]: entry["status"] for entry in status["conditions"]} == dict.fromkeys(
        ("Accepted", "Planned", "WithinBudget", "Applied", "Available", "Ready"), "True"
    )


def test_a_new_deployment_costs_four_writes_until_it_is_available(team: Team) -> None:
    before = team.cluster.audit_position()
    team.apply("chat")
    team.wait("chat")

    writes = [
        (write.verb, write.target)
        for write in team.cluster.writes(after=before)
        if write.namespace == team.namespace and "inferfleet" in write.user_agent and write.resource != "events"
    ]

    assert writes == [
        ("patch", "inferencedeployments/status"),
        ("create", "services"),
        ("create", "deployments"),
        ("patch", "inferencedeployments/status"),
    ]


def test_children_go_with_their_owner(team: Team) -> None:
    team.apply("chat")
    team.wait("chat")

    team.delete("chat")

    eventually(lambda: not team.children() and not team.children("Pod"), 60)


def test_a_deleted_child_comes_back(team: Team) -> None:
    team.apply("chat")
    team.wait("chat")
    uid = team.children()[0]["metadata"]["uid"]

    team.cluster.objects.delete("apps/v1", "Deployment", "chat", team.namespace)

    eventually(lambda: [child["metadata"]["uid"] for child in team.children() if child["metadata"]["uid"] != uid], 60)


def test_a_child_edited_by_hand_is_set_right(team: Team) -> None:
    team.apply("chat")
    team.wait("chat")

    team.cluster.objects.patch("apps/v1", "Deployment", "chat", team.namespace, patch={"spec": {"replicas": 3}})
    team.cluster.objects.patch(
        "v1", "Service", "chat", team.namespace, patch={"metadata": {"labels": {"inferfleet.dev/deployment": None}}}
    )

    eventually(lambda: team.children()[0]["spec"]["replicas"] == 1, 60)
    eventually(lambda: "inferfleet.dev/deployment" in team.children("Service")[0]["metadata"]["labels"], 60)


def test_a_flag_that_is_no_longer_rendered_disappears(team: Team) -> None:
    team.apply("chat", engine={"maxModelLen": 4096, "kvCacheDtype": "fp8"})
    team.wait("chat")
    created = team.children()[0]["spec"]["template"]["spec"]

    team.apply("chat", engine={"maxModelLen": 2048})
    team.wait("chat")

    changed = team.children()[0]["spec"]["template"]["spec"]
    assert "--max-model-len=4096" in str(created)
    assert "--max-model-len=2048" in str(changed)
    assert "--kv-cache-dtype=fp8" in str(created)
    assert "--kv-cache-dtype=fp8" not in str(changed)


def test_a_foreign_object_of_the_same_name_is_never_taken_over(team: Team) -> None:
    foreign = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "chat", "namespace": team.namespace},
        "spec": {"ports": [{"port": 1234}], "selector": {"app": "somebody-else"}},
    }
    stored = team.cluster.objects.create(foreign)
    team.apply("chat")

    item = team.wait("chat", "NameConflict")

    assert "Service" in condition(item)["message"]
    assert team.children("Service")[0]["metadata"]["resourceVersion"] == stored["metadata"]["resourceVersion"]
    team.cluster.objects.delete("v1", "Service", "chat", team.namespace)
    team.wait("chat", timeout=90)


def test_replicas_zero_suspends_and_pays_nothing(team: Team) -> None:
    team.apply("chat")
    team.wait("chat")

    team.apply("chat", replicas=0)
    status = team.wait("chat", "Suspended")["status"]

    assert "placement" not in status
    assert "cost" not in status
    eventually(lambda: not team.children("Pod"), 60)


def test_a_no_op_change_writes_nothing(team: Team, operator: OperatorProcess) -> None:
    team.apply("chat")
    team.wait("chat")
    settled = eventually(lambda: _quiet(team), 60)
    before = team.cluster.audit_position()

    team.cluster.objects.patch(
        "inferfleet.dev/v1alpha1",
        "InferenceDeployment",
        "chat",
        team.namespace,
        patch={"metadata": {"annotations": {"note": "nothing that matters"}}},
    )
    team.apply("later")
    team.wait("later")  # whatever the annotation led to, came before this

    assert settled
    mine = [write for write in team.cluster.writes(after=before) if write.namespace == team.namespace]
    assert [write for write in mine if write.name == "chat" and _ours(write)] == []


def _ours(write: object) -> bool:
    return "inferfleet" in write.user_agent  # type: ignore[attr-defined]  # an audit record


def _quiet(team: Team) -> bool:
    """The wording of conditions may follow a few seconds after Ready."""
    return condition(team.get("chat"), "Applied").get("reason") == "UpToDate"
