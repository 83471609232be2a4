"""The policy `requireOwnedGPUPods`: in managed namespaces GPUs are had through an InferenceDeployment alone."""

import pytest

from tests.controlplane.objects import Manifest
from tests.controlplane.waiting import eventually
from tests.integration.chart.helm_chart import CHART, NAMESPACE
from tests.integration.chart.tenancy import (
    ELSEWHERE,
    GPU,
    LABEL,
    ON,
    TEAM,
    Actors,
    child,
    inference_deployment,
    owned_by,
    pod,
    refused,
    workload,
)


@pytest.mark.parametrize(
    "limits",
    [GPU, {"amd.com/gpu": "1"}, {"nvidia.com/mig-1g.5gb": "1"}, {"nvidia.com/gpu.shared": "1"}],
)
def test_a_bare_gpu_pod_in_a_managed_namespace_is_refused(actors: Actors, limits: dict[str, str]) -> None:
    message = refused(lambda: actors.tenant.create(pod("bare", limits), dry_run=True))
    assert "must come from an InferenceDeployment" in message


def test_a_gpu_asked_for_by_an_init_container_counts(actors: Actors) -> None:
    hidden = pod("hidden", {})
    hidden["spec"]["initContainers"] = [{"name": "init", "image": "example", "resources": {"limits": GPU}}]
    assert refused(lambda: actors.tenant.create(hidden, dry_run=True))


def test_a_device_asked_for_by_a_resource_claim_counts(actors: Actors) -> None:
    claiming = pod("claiming", {})
    claiming["spec"]["resourceClaims"] = [{"name": "gpu", "resourceClaimName": "mine"}]
    assert refused(lambda: actors.tenant.create(claiming, dry_run=True))


def test_a_forged_label_and_owner_do_not_help_a_bare_pod(actors: Actors, chat: Manifest) -> None:
    (replica_set,) = actors.tenant.list("apps/v1", "ReplicaSet", TEAM, labels=LABEL)
    forged = pod("forged", GPU, labels=LABEL)
    forged["metadata"]["ownerReferences"] = [{**owned_by(replica_set), "blockOwnerDeletion": False}]
    assert refused(lambda: actors.tenant.create(forged, dry_run=True))


def test_a_bare_gpu_pod_without_a_name_of_its_own_is_refused_too(actors: Actors) -> None:
    unnamed = pod("", GPU)
    unnamed["metadata"] |= {"name": "", "generateName": "bare-"}
    assert "instead of bare-" in refused(lambda: actors.tenant.create(unnamed, dry_run=True))


@pytest.mark.parametrize("limits", [{"cpu": "1"}, {"nvidia.com/gpu": "0"}])
def test_a_pod_that_asks_for_no_gpu_is_let_through(actors: Actors, limits: dict[str, str]) -> None:
    actors.tenant.create(pod("plain", limits), dry_run=True)


def test_a_gpu_pod_outside_the_managed_namespaces_is_let_through(actors: Actors) -> None:
    actors.tenant.create(pod("bare", GPU, namespace=ELSEWHERE), dry_run=True)


KINDS = ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_workload_that_asks_for_gpus_is_refused_before_it_makes_a_pod(actors: Actors, kind: str) -> None:
    message = refused(lambda: actors.tenant.create(workload(kind, "evade", GPU, {}), dry_run=True))
    assert "create an InferenceDeployment instead of evade" in message


@pytest.mark.parametrize("kind", KINDS)
def test_the_label_that_lets_pods_through_cannot_be_borrowed(actors: Actors, kind: str) -> None:
    assert refused(lambda: actors.tenant.create(workload(kind, "evade", {}, LABEL), dry_run=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_workload_without_gpus_is_let_through(actors: Actors, kind: str) -> None:
    actors.tenant.create(workload(kind, "plain", {"cpu": "1"}, {}), dry_run=True)


def test_the_pods_of_a_job_that_the_operator_made_are_let_through(actors: Actors) -> None:
    owner = actors.tenant.create(inference_deployment("batch"))
    actors.operator.apply(child(owner, "batch", kind="Job"), manager="inferfleet.dev/operator")
    eventually(lambda: actors.tenant.get("batch/v1", "Job", "batch", TEAM)["status"].get("active"), 60)
    eventually(lambda: actors.tenant.list("v1", "Pod", TEAM, labels={"batch.kubernetes.io/job-name": "batch"}), 60)


def running_pod(actors: Actors) -> str:
    names = (item["metadata"]["name"] for item in actors.tenant.list("v1", "Pod", TEAM, labels=LABEL))
    return next(str(name) for name in names if name.startswith("chat-"))


@pytest.mark.parametrize(
    "change",
    [
        {"labels": {"inferfleet.dev/deployment": None}},
        {"labels": {"inferfleet.dev/deployment": "other"}},
        {"labels": {"inferfleet.dev/placement": "other"}},
        {"labels": {"pod-template-hash": None}},
        {"ownerReferences": []},
    ],
    ids=["our label off", "our label changed", "our label added", "off its ReplicaSet", "owner off"],
)
def test_nobody_takes_a_running_gpu_pod_away_from_its_workload(
    actors: Actors, chat: Manifest, change: Manifest
) -> None:
    name = running_pod(actors)
    message = refused(lambda: actors.tenant.patch("v1", "Pod", name, TEAM, patch={"metadata": change}))
    assert "are what it is charged by" in message


def test_nor_by_way_of_its_status(actors: Actors, chat: Manifest) -> None:
    off, name = {"metadata": {"labels": {"inferfleet.dev/deployment": None}}}, running_pod(actors)
    assert refused(lambda: actors.platform.patch("v1", "Pod", name, TEAM, patch=off, subresource="status"))


def test_a_pod_that_runs_cannot_be_given_our_label(actors: Actors) -> None:
    actors.tenant.create(pod("mine", {}))
    assert refused(lambda: actors.tenant.patch("v1", "Pod", "mine", TEAM, patch={"metadata": {"labels": LABEL}}))
    actors.tenant.delete("v1", "Pod", "mine", TEAM)


def test_a_running_gpu_pod_may_be_annotated_and_given_labels_of_others(actors: Actors, chat: Manifest) -> None:
    notes = {"metadata": {"annotations": {"by": "hand"}, "labels": {"seen-by": "me"}}}
    actors.tenant.patch("v1", "Pod", running_pod(actors), TEAM, patch=notes)


def test_an_exempt_group_passes_both_policies(actors: Actors, chat: Manifest) -> None:
    options = ("--namespace", NAMESPACE, "--set", f"{ON},admission.exemptGroups={{system:masters}}")
    actors.cluster.helm("upgrade", "inferfleet", str(CHART), *options)
    edit = {"metadata": {"annotations": {"by": "hand"}}}
    eventually(
        lambda: not refused(lambda: actors.platform.patch("apps/v1", "Deployment", "chat", TEAM, patch=edit)), 30
    )
    eventually(lambda: not refused(lambda: actors.platform.create(pod("bare", GPU), dry_run=True)), 30)
    assert refused(lambda: actors.tenant.create(pod("bare", GPU), dry_run=True))
