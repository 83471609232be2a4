"""A GPU workload on the simulated cluster behaves as on a real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.controlplane import Cluster, eventually
from tests.controlplane.hardware import L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool

GPU_TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists"}


@pytest.fixture(scope="module")
def pool(cluster: Cluster) -> Iterator[Pool]:
    pool = Pool(name="scheduling-l40s", gpu=L40S, gpus_per_node=2, provider=Provider.EKS)
    scale_pool(cluster, pool, 2)
    yield pool
    scale_pool(cluster, pool, 0)


def deployment(namespace: str, pool: Pool, *, replicas: int, gpus: int) -> dict[str, Any]:
    labels = {"app": "engine"}
    limits = {"nvidia.com/gpu": str(gpus)}
    pod = {
        "nodeSelector": pool.selector,
        "tolerations": [GPU_TOLERATION],
        "containers": [{"name": "engine", "image": "engine:1", "resources": {"limits": limits}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "engine", "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def test_a_gpu_deployment_is_scheduled_by_label_and_becomes_ready(cluster: Cluster, namespace: str, pool: Pool) -> None:
    cluster.objects.create(deployment(namespace, pool, replicas=2, gpus=2))

    def ready() -> bool:
        status = cluster.objects.get("apps/v1", "Deployment", "engine", namespace)["status"]
        return bool(status.get("readyReplicas") == 2)

    eventually(ready)
    nodes = {pod["spec"]["nodeName"] for pod in cluster.objects.list("v1", "Pod", namespace)}
    assert nodes == {"scheduling-l40s-0", "scheduling-l40s-1"}


def test_a_pod_that_wants_more_gpus_than_a_node_has_stays_unschedulable(
    cluster: Cluster, namespace: str, pool: Pool
) -> None:
    cluster.objects.create(deployment(namespace, pool, replicas=1, gpus=4))

    def reason() -> str | None:
        for pod in cluster.objects.list("v1", "Pod", namespace):
            for condition in pod["status"].get("conditions", ()):
                if condition["type"] == "PodScheduled" and condition["status"] == "False":
                    return str(condition["message"])
        return None

    assert "Insufficient nvidia.com/gpu" in str(eventually(reason))
