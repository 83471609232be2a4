"""The chart's two ValidatingAdmissionPolicies, against a tenant who is administrator of a namespace.

The operator is played with the token of the chart's ServiceAccount; Kubernetes' own controllers are the real ones.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.objects import ApiError, Manifest, Objects
from tests.controlplane.waiting import eventually
from tests.integration.chart.helm_chart import CHART, NAMESPACE

TEAM = "team-a"
ELSEWHERE = "unmanaged"
ON = "replicas=0,admission.protectOwnedObjects=true,admission.requireOwnedGPUPods=true"
GPU = {"nvidia.com/gpu": "1"}
LABEL = {"inferfleet.dev/deployment": "chat"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actors:
    """Who acts: the operator, a tenant with the rights of `admin` in their namespaces, and the platform."""

    cluster: ControlPlane
    operator: Objects
    tenant: Objects

    @property
    def platform(self) -> Objects:
        """An administrator of the whole cluster."""
        return self.cluster.objects


@pytest.fixture(scope="module")
def actors(own_cluster: ControlPlane) -> Actors:
    own_cluster.create_namespace(NAMESPACE)
    own_cluster.create_namespace(TEAM, labels={"inferfleet.dev/managed": "true"})
    own_cluster.create_namespace(ELSEWHERE)
    own_cluster.helm("install", "inferfleet", str(CHART), "--namespace", NAMESPACE, "--set", ON)
    own_cluster.kubectl("create", "serviceaccount", "tenant", "-n", TEAM)
    for namespace in (TEAM, ELSEWHERE):
        subject = ("--clusterrole=admin", f"--serviceaccount={TEAM}:tenant", "-n", namespace)
        own_cluster.kubectl("create", "rolebinding", "tenant", *subject)
    own_cluster.wait_for_crd("inferencedeployments.inferfleet.dev")
    tenant = Objects(own_cluster.kubeconfig_for_service_account(TEAM, "tenant"))
    operator = Objects(own_cluster.kubeconfig_for_service_account(NAMESPACE, "inferfleet"))
    eventually(
        lambda: refused(lambda: tenant.create(pod("probe", GPU), dry_run=True)), 30, describe="policies in force"
    )
    return Actors(cluster=own_cluster, operator=operator, tenant=tenant)


@pytest.fixture(scope="module")
def chat(actors: Actors) -> Manifest:
    """Let a tenant ask for a deployment and the operator make its child; return the running child."""
    owner = actors.tenant.create(inference_deployment("chat"))
    actors.operator.apply(child(owner, "chat"), manager="inferfleet.dev/operator")
    return eventually(lambda: available(actors, "chat"), 60)


def available(actors: Actors, name: str) -> Manifest | None:
    found = actors.platform.get("apps/v1", "Deployment", name, TEAM)
    return found if found["status"].get("readyReplicas") == found["spec"]["replicas"] else None


def refused(action: Callable[[], object]) -> str:
    """Return the message of a policy that refused an action, or nothing when the action was let through."""
    try:
        action()
    except ApiError as error:
        if "ValidatingAdmissionPolicy" in error.message and "resulted in error" not in error.message:
            return error.message
        raise
    return ""


def inference_deployment(name: str) -> Manifest:
    return {
        "apiVersion": "inferfleet.dev/v1alpha1",
        "kind": "InferenceDeployment",
        "metadata": {"name": name, "namespace": TEAM},
        "spec": {
            "model": {"id": "meta-llama/Llama-3.1-8B-Instruct"},
            "workload": {"class": "RealTime", "category": "Inference"},
            "traffic": {"requestsPerSecond": "4", "inputTokens": 800, "outputTokens": 300},
        },
    }


def owned_by(owner: Manifest) -> Manifest:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def pod_spec(limits: dict[str, str], **more: object) -> Manifest:
    return {"containers": [{"name": "main", "image": "example", "resources": {"limits": limits}}], **more}


def pod(name: str, limits: dict[str, str], *, labels: dict[str, str] | None = None, namespace: str = TEAM) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod_spec(limits)}


def workload(kind: str, name: str, limits: dict[str, str], labels: dict[str, str], *, replicas: int = 1) -> Manifest:
    """Return a workload of any kind with a pod template; `labels` are those of the template beside its own."""
    template = {"metadata": {"labels": {"app": name, **labels}}, "spec": pod_spec(limits)}
    spec: Manifest = {"replicas": replicas, "selector": {"matchLabels": {"app": name, **labels}}, "template": template}
    if kind in {"Job", "CronJob"}:
        template["spec"] = pod_spec(limits, restartPolicy="Never")
        spec = {"template": template}
    if kind == "CronJob":
        spec = {"schedule": "@yearly", "jobTemplate": {"spec": spec}}
    if kind == "ReplicationController":
        spec["selector"] = spec["selector"]["matchLabels"]
    if kind == "StatefulSet":
        spec["serviceName"] = name
    if kind == "DaemonSet":
        del spec["replicas"]
    groups = {"Job": "batch/v1", "CronJob": "batch/v1", "ReplicationController": "v1"}
    metadata = {"name": name, "namespace": TEAM}
    return {"apiVersion": groups.get(kind, "apps/v1"), "kind": kind, "metadata": metadata, "spec": spec}


def child(owner: Manifest, name: str, *, kind: str = "Deployment", limits: dict[str, str] | None = None) -> Manifest:
    made = workload(kind, name, GPU if limits is None else limits, LABEL)
    made["metadata"] |= {"ownerReferences": [owned_by(owner)], "labels": LABEL}
    return made


# --- owned objects ----------------------------------------------------------------------------------------------------


def test_the_expressions_are_free_of_type_warnings(actors: Actors) -> None:
    def checked() -> list[Manifest]:
        policies = actors.platform.list("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy")
        assert len(policies) == 2
        assert all(policy.get("status", {}).get("observedGeneration") for policy in policies)
        return policies

    warnings = [policy["status"].get("typeChecking") for policy in eventually(checked, 30)]
    assert not any(warning for warning in warnings if warning)


def test_the_operator_and_kubernetes_controllers_bring_a_child_to_life(chat: Manifest) -> None:
    assert chat["status"]["readyReplicas"] == 1


def test_a_tenant_cannot_scale_a_child_and_is_told_what_to_scale(actors: Actors, chat: Manifest) -> None:
    more = {"spec": {"replicas": 5}}
    message = refused(
        lambda: actors.tenant.patch("apps/v1", "Deployment", "chat", TEAM, patch=more, subresource="scale")
    )
    assert "deployments chat: change the InferenceDeployment" in message


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"replicas": 5}},
        {"metadata": {"labels": {"inferfleet.dev/deployment": "other"}}},
        {"metadata": {"ownerReferences": []}},
    ],
)
def test_a_tenant_cannot_edit_a_child(actors: Actors, chat: Manifest, patch: Manifest) -> None:
    assert refused(lambda: actors.tenant.patch("apps/v1", "Deployment", "chat", TEAM, patch=patch))


def test_a_tenant_cannot_delete_a_child(actors: Actors, chat: Manifest) -> None:
    assert refused(lambda: actors.tenant.delete("apps/v1", "Deployment", "chat", TEAM))


def test_a_tenant_cannot_scale_the_replica_set_under_a_child(actors: Actors, chat: Manifest) -> None:
    (replica_set,) = actors.tenant.list("apps/v1", "ReplicaSet", TEAM, labels=LABEL)
    name, more = replica_set["metadata"]["name"], {"spec": {"replicas": 5}}
    assert refused(lambda: actors.tenant.patch("apps/v1", "ReplicaSet", name, TEAM, patch=more))
    assert refused(lambda: actors.tenant.patch("apps/v1", "ReplicaSet", name, TEAM, patch=more, subresource="scale"))


def test_not_even_an_administrator_edits_a_child_unless_their_group_is_exempt(actors: Actors, chat: Manifest) -> None:
    edit = {"metadata": {"annotations": {"by": "hand"}}}
    assert refused(lambda: actors.platform.patch("apps/v1", "Deployment", "chat", TEAM, patch=edit))


def test_a_tenants_autoscaler_cannot_scale_a_child(actors: Actors, chat: Manifest) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}
    actors.tenant.create(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "evade", "namespace": TEAM},
            "spec": {"scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 4},
        }
    )

    def failed() -> str:
        scaler = actors.tenant.get("autoscaling/v2", "HorizontalPodAutoscaler", "evade", TEAM)
        conditions = scaler["status"]["conditions"]
        return next((str(entry) for entry in conditions if entry["reason"] == "FailedUpdateScale"), "")

    assert "only the Inferfleet operator changes" in eventually(failed, 60)
    assert actors.tenant.get("apps/v1", "Deployment", "chat", TEAM)["spec"]["replicas"] == 1
    actors.tenant.delete("autoscaling/v2", "HorizontalPodAutoscaler", "evade", TEAM)


def test_a_tenant_cannot_pass_an_object_off_as_the_operators(actors: Actors, chat: Manifest) -> None:
    owner = actors.tenant.get("inferfleet.dev/v1alpha1", "InferenceDeployment", "chat", TEAM)
    assert refused(lambda: actors.tenant.create(child(owner, "forged", limits={})))


def test_a_tenant_may_restart_a_pod_which_its_controller_replaces(actors: Actors, chat: Manifest) -> None:
    (before,) = actors.tenant.list("v1", "Pod", TEAM, labels=LABEL)
    actors.tenant.delete("v1", "Pod", before["metadata"]["name"], TEAM)

    def replaced() -> bool:
        (after,) = actors.tenant.list("v1", "Pod", TEAM, labels=LABEL)
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
        return str(after["status"]["phase"]) == "Running"

    eventually(replaced, 60)


def test_a_tenant_scales_what_is_their_own(actors: Actors) -> None:
    actors.tenant.create(workload("Deployment", "website", {"cpu": "1"}, {}))
    more = {"spec": {"replicas": 2}}
    actors.tenant.patch("apps/v1", "Deployment", "website", TEAM, patch=more, subresource="scale")
    actors.tenant.delete("apps/v1", "Deployment", "website", TEAM)


def test_a_tenant_scales_the_inference_deployment_itself(actors: Actors, chat: Manifest) -> None:
    scale = {"spec": {"replicas": 2}}
    actors.tenant.patch(
        "inferfleet.dev/v1alpha1", "InferenceDeployment", "chat", TEAM, patch=scale, subresource="scale"
    )


def test_the_operator_scales_and_deletes_what_it_made(actors: Actors) -> None:
    owner = actors.tenant.create(inference_deployment("other"))
    manifest = child(owner, "other", limits={})
    actors.operator.apply(manifest, manager="inferfleet.dev/operator")
    manifest["spec"]["replicas"] = 2
    actors.operator.apply(manifest, manager="inferfleet.dev/operator")
    actors.operator.delete("apps/v1", "Deployment", "other", TEAM)
    eventually(lambda: actors.tenant.find("apps/v1", "Deployment", "other", TEAM) is None)


# --- pods that ask for GPUs -------------------------------------------------------------------------------------------


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


# --- options ----------------------------------------------------------------------------------------------------------


def test_an_exempt_group_passes_both_policies(actors: Actors, chat: Manifest) -> None:
    options = ("--namespace", NAMESPACE, "--set", f"{ON},admission.exemptGroups={{system:masters}}")
    actors.cluster.helm("upgrade", "inferfleet", str(CHART), *options)
    edit = {"metadata": {"annotations": {"by": "hand"}}}
    eventually(
        lambda: not refused(lambda: actors.platform.patch("apps/v1", "Deployment", "chat", TEAM, patch=edit)), 30
    )
    eventually(lambda: not refused(lambda: actors.platform.create(pod("bare", GPU), dry_run=True)), 30)
    assert refused(lambda: actors.tenant.create(pod("bare", GPU), dry_run=True))


# Last: the garbage collector learns of a new kind up to half a minute after its CRD is there.
def test_deleting_the_owner_takes_its_children_along(actors: Actors) -> None:
    owner = actors.tenant.create(inference_deployment("gone"))
    actors.operator.apply(child(owner, "gone", limits={}), manager="inferfleet.dev/operator")
    actors.tenant.delete("inferfleet.dev/v1alpha1", "InferenceDeployment", "gone", TEAM)
    eventually(lambda: actors.tenant.find("apps/v1", "Deployment", "gone", TEAM) is None, 60)
