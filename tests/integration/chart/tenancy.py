"""Who meets the chart's admission policies, and the objects that they try to make.

The operator is played with the token of the chart's ServiceAccount, a tenant is administrator of their namespaces, and
Kubernetes' own controllers are the real ones. Must not decide what is right: that is what the tests say.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.objects import ApiError, Manifest, Objects

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
