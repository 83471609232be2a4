"""GPU workloads as an operator would render them, on a pool of this folder's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.controlplane import Cluster
from tests.controlplane.behaviour import DEPLOYMENT_LABEL
from tests.controlplane.hardware import L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool

Workload = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def pool(cluster: Cluster) -> Iterator[Pool]:
    """A pool with two nodes of two GPUs."""
    pool = Pool(name="controlplane-l40s", gpu=L40S, gpus_per_node=2, provider=Provider.EKS)
    scale_pool(cluster, pool, 2)
    yield pool
    scale_pool(cluster, pool, 0)


def pod_template(pool: Pool, *, gpus: int) -> dict[str, Any]:
    engine = {
        "name": "engine",
        "image": "engine:1",
        "args": ["--model=acme/llm", "--max-model-len=4096"],
        "ports": [{"containerPort": 8000}],
        "resources": {"limits": {"nvidia.com/gpu": str(gpus)}},
    }
    spec = {
        "nodeSelector": pool.selector,
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "containers": [engine],
    }
    return {"metadata": {"labels": {DEPLOYMENT_LABEL: "chat"}}, "spec": spec}


@pytest.fixture
def serving(namespace: str, pool: Pool) -> Workload:
    """Return a maker of Deployments named `chat`."""

    def make(*, replicas: int = 1, gpus: int = 1) -> dict[str, Any]:
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "chat", "namespace": namespace},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": {DEPLOYMENT_LABEL: "chat"}},
                "template": pod_template(pool, gpus=gpus),
            },
        }

    return make


@pytest.fixture
def batch(namespace: str, pool: Pool) -> Workload:
    """Return a maker of Jobs named `chat`: the engine is a native sidecar of the container that does the work."""

    def make() -> dict[str, Any]:
        template = pod_template(pool, gpus=1)
        (engine,) = template["spec"].pop("containers")
        worker = {"name": "worker", "image": "worker:1"}
        template["spec"] |= {
            "initContainers": [{**engine, "restartPolicy": "Always"}],
            "containers": [worker],
            "restartPolicy": "Never",
        }
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "chat", "namespace": namespace},
            "spec": {"backoffLimit": 0, "template": template},
        }

    return make
