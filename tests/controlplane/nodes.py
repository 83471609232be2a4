"""Simulated GPU nodes with the labels and taints that real clusters put on theirs.

In: a pool (GPU, provider, capacity type, size). Out: Node objects that KWOK keeps Ready. Labels follow each provider's
own documents, because the operator has to recognise pools by them; nothing here may know how it does that.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from enum import StrEnum

from tests.controlplane.cluster import Cluster
from tests.controlplane.hardware import GPU
from tests.controlplane.kwok import NODE_ANNOTATION
from tests.controlplane.objects import STRATEGIC_MERGE, Manifest, NotFoundError
from tests.controlplane.waiting import eventually

POOL_LABEL = "inferfleet.dev/pool"
NOT_READY_ANNOTATION = "test.inferfleet.dev/not-ready"


class Provider(StrEnum):
    """Whose labels a node carries. BARE_METAL: only those of NVIDIA's or AMD's own discovery."""

    BARE_METAL = "bare-metal"
    EKS = "eks"
    KARPENTER = "karpenter"
    GKE = "gke"
    AKS = "aks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A node pool of equal nodes. CPU and memory are Kubernetes quantities per node."""

    name: str
    gpu: GPU
    gpus_per_node: int = 4
    spot: bool = False
    provider: Provider = Provider.BARE_METAL
    region: str = "eu-west-1"
    cpu: str = "64"
    memory: str = "512Gi"
    tainted: bool = True
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def selector(self) -> dict[str, str]:
        """The label that tells this pool's nodes from all others."""
        return {POOL_LABEL: self.name}

    def node_labels(self, node: str) -> dict[str, str]:
        """Return every label of one node."""
        common = {
            "kubernetes.io/hostname": node,
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": self.gpu.instance_type,
            "topology.kubernetes.io/region": self.region,
            "topology.kubernetes.io/zone": f"{self.region}a",
        }
        return {**common, **_discovery_labels(self), **_provider_labels(self), **self.selector, **self.labels}

    def taints(self) -> list[dict[str, str]]:
        """Return the taints that the provider's documents recommend or set."""
        taints = []
        if self.tainted and self.provider is Provider.AKS:
            taints.append({"key": "sku", "value": "gpu", "effect": "NoSchedule"})
        elif self.tainted:
            value = "present" if self.provider is Provider.GKE else "true"
            taints.append({"key": self.gpu.resource, "value": value, "effect": "NoSchedule"})
        if self.spot and self.provider is Provider.AKS:
            taints.append(
                {"key": "kubernetes.azure.com/scalesetpriority", "value": "spot", "effect": "NoSchedule"},
            )
        return taints


def _discovery_labels(pool: Pool) -> dict[str, str]:
    if pool.gpu.resource == "amd.com/gpu":
        gib = pool.gpu.driver_memory_mib // 1024
        return {"amd.com/gpu.product-name": pool.gpu.product, "amd.com/gpu.vram": f"{gib}G"}
    if pool.provider is Provider.KARPENTER:
        return {}
    return {
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.product": pool.gpu.product,
        "nvidia.com/gpu.memory": str(pool.gpu.driver_memory_mib),
        "nvidia.com/gpu.count": str(pool.gpus_per_node),
        "nvidia.com/gpu.replicas": "1",
        "nvidia.com/gpu.sharing-strategy": "none",
    }


def _provider_labels(pool: Pool) -> dict[str, str]:
    match pool.provider:
        case Provider.EKS:
            kind = "SPOT" if pool.spot else "ON_DEMAND"
            return {"eks.amazonaws.com/nodegroup": pool.name, "eks.amazonaws.com/capacityType": kind}
        case Provider.KARPENTER:
            return {
                "karpenter.sh/nodepool": pool.name,
                "karpenter.sh/capacity-type": "spot" if pool.spot else "on-demand",
                "karpenter.k8s.aws/instance-gpu-name": pool.gpu.short_name,
                "karpenter.k8s.aws/instance-gpu-manufacturer": "nvidia",
                "karpenter.k8s.aws/instance-gpu-count": str(pool.gpus_per_node),
                "karpenter.k8s.aws/instance-gpu-memory": str(pool.gpu.catalogue_memory_mib),
            }
        case Provider.GKE:
            spot = {"cloud.google.com/gke-spot": "true"} if pool.spot else {}
            return {
                "cloud.google.com/gke-nodepool": pool.name,
                "cloud.google.com/gke-accelerator": pool.gpu.gke_accelerator,
                "cloud.google.com/gke-provisioning": "spot" if pool.spot else "standard",
                **spot,
            }
        case Provider.AKS:
            # AKS writes no value for regular nodes: absence is the only sign.
            spot = {"kubernetes.azure.com/scalesetpriority": "spot"} if pool.spot else {}
            return {
                "kubernetes.azure.com/agentpool": pool.name,
                "kubernetes.azure.com/accelerator": "nvidia",
                **spot,
            }
        case Provider.BARE_METAL:
            return {}


def node_manifest(pool: Pool, index: int) -> Manifest:
    """Return the Node object number `index` of a pool."""
    name = f"{pool.name}-{index}"
    resources = {"cpu": pool.cpu, "memory": pool.memory, "pods": "110", "ephemeral-storage": "2Ti"}
    resources[pool.gpu.resource] = str(pool.gpus_per_node)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": pool.node_labels(name), "annotations": dict(NODE_ANNOTATION)},
        "spec": {"taints": pool.taints()},
        "status": {"allocatable": resources, "capacity": resources},
    }


def scale_pool(cluster: Cluster, pool: Pool, count: int) -> list[str]:
    """Make a pool have exactly `count` nodes, wait until the new ones are Ready, and return their names."""
    wanted = [node_manifest(pool, index) for index in range(count)]
    names = [manifest["metadata"]["name"] for manifest in wanted]
    present = {node["metadata"]["name"] for node in cluster.objects.list("v1", "Node", labels=pool.selector)}
    for name in present.difference(names):
        delete_node(cluster, name)
    for manifest in wanted:
        if manifest["metadata"]["name"] not in present:
            cluster.objects.create(manifest)
    wait_until_ready(cluster, *names)
    return names


def delete_node(cluster: Cluster, name: str) -> None:
    """Delete a node as a provider does after it took the machine: its pods are gone without a goodbye.

    Kubernetes' own pod garbage collector would do the rest after 40 seconds: mark the pods as disrupted, end them,
    delete them. Here it happens at once.
    """
    cluster.objects.delete("v1", "Node", name)
    disrupted = {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC"}
    path = cluster.objects.path("v1", "Pod")
    bound = cluster.objects.request("GET", path, query={"fieldSelector": f"spec.nodeName={name}"})["items"]
    for pod in bound:
        own = cluster.objects.path("v1", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
        status = {"phase": "Failed", "conditions": [*pod["status"].get("conditions", ()), disrupted]}
        with contextlib.suppress(NotFoundError):
            cluster.objects.request("PATCH", own + "/status", {"status": status}, content_type=STRATEGIC_MERGE)
            cluster.objects.request("DELETE", own, {"gracePeriodSeconds": 0})


def drain(cluster: Cluster, name: str) -> None:
    """Cordon a node and evict its pods through the eviction API, which respects PodDisruptionBudgets."""
    cluster.kubectl("drain", name, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=60s")


def mark_not_ready(cluster: Cluster, name: str) -> None:
    """Make a node NotReady, as when its kubelet has stopped."""
    annotations = {NOT_READY_ANNOTATION: "true"}
    cluster.objects.patch("v1", "Node", name, patch={"metadata": {"annotations": annotations}})
    eventually(lambda: not is_ready(cluster.objects.get("v1", "Node", name)), describe=f"node {name} NotReady")


def mark_ready(cluster: Cluster, name: str) -> None:
    """Let a node recover."""
    annotations = {NOT_READY_ANNOTATION: None}
    cluster.objects.patch("v1", "Node", name, patch={"metadata": {"annotations": annotations}})
    wait_until_ready(cluster, name)


def wait_until_ready(cluster: Cluster, *names: str) -> None:
    """Wait until every named node can take pods."""

    def taints(node: Manifest) -> list[str]:
        return [taint["key"] for taint in node["spec"].get("taints", ()) if taint["key"].startswith("node.kubernetes")]

    def all_ready() -> bool:
        nodes = {node["metadata"]["name"]: node for node in cluster.objects.list("v1", "Node")}
        return all(is_ready(nodes[name]) and not taints(nodes[name]) for name in names)

    eventually(all_ready, 60, describe=f"nodes {', '.join(names[:5])} ready")


def is_ready(node: Manifest) -> bool:
    """Return whether a Node object says Ready."""
    conditions = node.get("status", {}).get("conditions") or ()
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)
