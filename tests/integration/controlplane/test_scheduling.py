"""Nodes and pods of the simulated cluster behave as on a real one."""

from __future__ import annotations

import pytest

from tests.controlplane import Cluster, eventually
from tests.controlplane.hardware import L4
from tests.controlplane.nodes import Pool, delete_node, drain, mark_not_ready, mark_ready, scale_pool
from tests.controlplane.objects import Manifest
from tests.integration.controlplane.conftest import Workload


def ready_replicas(cluster: Cluster, namespace: str) -> int:
    status = cluster.objects.get("apps/v1", "Deployment", "chat", namespace)["status"]
    return int(status.get("readyReplicas", 0))


def pods(cluster: Cluster, namespace: str) -> list[Manifest]:
    return cluster.objects.list("v1", "Pod", namespace)


def test_a_gpu_deployment_is_scheduled_by_label_and_becomes_ready(
    cluster: Cluster, namespace: str, serving: Workload
) -> None:
    cluster.objects.create(serving(replicas=2, gpus=2))
    eventually(lambda: ready_replicas(cluster, namespace) == 2)
    nodes = {pod["spec"]["nodeName"] for pod in pods(cluster, namespace)}
    assert nodes == {"controlplane-l40s-0", "controlplane-l40s-1"}


def test_a_pod_that_wants_more_gpus_than_a_node_has_stays_unschedulable(
    cluster: Cluster, namespace: str, serving: Workload
) -> None:
    cluster.objects.create(serving(gpus=4))

    def message() -> str:
        (pod,) = pods(cluster, namespace)
        (condition,) = pod["status"]["conditions"]
        return str(condition["message"])

    assert "Insufficient nvidia.com/gpu" in eventually(message)


def test_a_deleted_node_takes_its_pods_along_and_they_run_elsewhere(
    cluster: Cluster, namespace: str, serving: Workload, pool: Pool
) -> None:
    cluster.objects.create(serving(gpus=2))
    eventually(lambda: ready_replicas(cluster, namespace) == 1)
    lost = pods(cluster, namespace)[0]["spec"]["nodeName"]
    delete_node(cluster, lost)

    def moved() -> bool:
        return [pod["spec"].get("nodeName") not in {None, lost} for pod in pods(cluster, namespace)] == [True]

    eventually(moved)
    scale_pool(cluster, pool, 2)


def test_a_node_that_is_not_ready_takes_no_pods_until_it_recovers(
    cluster: Cluster, namespace: str, serving: Workload
) -> None:
    mark_not_ready(cluster, "controlplane-l40s-0")
    cluster.objects.create(serving(replicas=2, gpus=2))
    eventually(lambda: ready_replicas(cluster, namespace) == 1)
    mark_ready(cluster, "controlplane-l40s-0")
    eventually(lambda: ready_replicas(cluster, namespace) == 2)


def test_a_drained_node_runs_no_pods(cluster: Cluster, namespace: str, serving: Workload) -> None:
    cluster.objects.create(serving(replicas=2, gpus=1))
    eventually(lambda: ready_replicas(cluster, namespace) == 2)
    drain(cluster, "controlplane-l40s-0")
    nodes = {pod["spec"].get("nodeName") for pod in pods(cluster, namespace)}
    cluster.kubectl("uncordon", "controlplane-l40s-0")
    assert "controlplane-l40s-0" not in nodes


def test_a_scaled_pool_has_exactly_that_many_nodes(cluster: Cluster) -> None:
    pool = Pool(name="scaled-l4", gpu=L4)
    scale_pool(cluster, pool, 3)
    assert scale_pool(cluster, pool, 1) == ["scaled-l4-0"]
    names = [node["metadata"]["name"] for node in cluster.objects.list("v1", "Node", labels=pool.selector)]
    scale_pool(cluster, pool, 0)
    assert names == ["scaled-l4-0"]


@pytest.mark.parametrize("class_name", [None, "simulated"])
def test_a_volume_claim_is_bound(cluster: Cluster, namespace: str, class_name: str | None) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    spec |= {"storageClassName": class_name} if class_name else {}
    metadata = {"name": "models", "namespace": namespace}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
    cluster.objects.create(claim)

    def bound() -> bool:
        now = cluster.objects.get("v1", "PersistentVolumeClaim", "models", namespace)
        return bool(now["status"]["phase"] == "Bound")

    eventually(bound)


def test_a_deleted_volume_claim_takes_its_volume_along(cluster: Cluster, namespace: str) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": "models", "namespace": namespace}
    cluster.objects.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})

    def volume() -> str:
        claim = cluster.objects.get("v1", "PersistentVolumeClaim", "models", namespace)
        return str(claim["spec"]["volumeName"]) if claim["status"]["phase"] == "Bound" else ""

    name = eventually(volume)
    cluster.objects.delete("v1", "PersistentVolumeClaim", "models", namespace)
    eventually(lambda: cluster.objects.find("v1", "PersistentVolume", name) is None)
