"""A running operator, GPU nodes of this folder's own, and InferenceDeployments as a team would write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.controlplane import Cluster
from tests.controlplane.hardware import L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool
from tests.controlplane.operator_process import OperatorProcess
from tests.controlplane.waiting import eventually

API = "inferfleet.dev/v1alpha1"
MODEL = "Qwen/Qwen2.5-7B-Instruct"

Spec = dict[str, Any]
Applied = Callable[..., dict[str, Any]]


def gpu_pool(pool: Pool, **spec: Any) -> dict[str, Any]:
    """The GPUPool object of a simulated pool."""
    return {
        "apiVersion": API,
        "kind": "GPUPool",
        "metadata": {"name": pool.name},
        "spec": {
            "gpuType": "nvidia-l40s-48gb",
            "gpusPerNode": pool.gpus_per_node,
            "capacityType": "Spot" if pool.spot else "OnDemand",
            "nodeSelector": pool.selector,
            "region": pool.region,
            "usdPerGPUHour": "1.60",
            **spec,
        },
    }


def real_time(name: str, namespace: str, *, pool: str | None = None, **spec: Any) -> dict[str, Any]:
    """A small chat deployment; `spec` replaces parts."""
    placement = {"placement": {"pools": [pool]}} if pool else {}
    return {
        "apiVersion": API,
        "kind": "InferenceDeployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "model": {"id": MODEL},
            "workload": {"class": "RealTime"},
            "traffic": {"requestsPerSecond": "0.5", "inputTokens": 400, "outputTokens": 100},
            "engine": {"maxModelLen": 4096},
            **placement,
            **spec,
        },
    }


def condition(item: dict[str, Any], kind: str = "Ready") -> dict[str, Any]:
    """One condition of an object, empty when it is not there yet."""
    found = (entry for entry in item.get("status", {}).get("conditions", ()) if entry["type"] == kind)
    return next(found, {})


@pytest.fixture
def pool(cluster: Cluster, namespace: str) -> Iterator[Pool]:
    """A pool of one test: two nodes of four L40S each."""
    pool = Pool(name=f"l40s-{namespace[-6:]}", gpu=L40S, gpus_per_node=4, provider=Provider.EKS)
    scale_pool(cluster, pool, 2)
    cluster.objects.apply(gpu_pool(pool))
    yield pool
    cluster.objects.delete(API, "GPUPool", pool.name)
    scale_pool(cluster, pool, 0)


@pytest.fixture(scope="session")
def operator(cluster: Cluster) -> Iterator[OperatorProcess]:
    """One operator for the tests that do not restart it; with the rights of the cluster's administrator."""
    with OperatorProcess.start(cluster, settings={"LEASE_NAME": "operator-tests"}) as running:
        yield running


@pytest.fixture
def infd(cluster: Cluster) -> Callable[[str, str], dict[str, Any]]:
    """Read an InferenceDeployment: `infd(namespace, name)`."""

    def read(namespace: str, name: str) -> dict[str, Any]:
        return cluster.objects.get(API, "InferenceDeployment", name, namespace)

    return read


def wait_ready(cluster: Cluster, namespace: str, name: str, *, reason: str = "Serving", timeout: float = 60) -> Spec:
    """Wait until Ready has this reason; returns the object."""

    def ready() -> dict[str, Any]:
        item = cluster.objects.get(API, "InferenceDeployment", name, namespace)
        found = condition(item)
        assert found.get("reason") == reason, found or "no status yet"
        assert found.get("observedGeneration") == item["metadata"]["generation"]
        return item

    return eventually(ready, timeout, describe=f"{name} Ready/{reason}")
