"""A control plane per file, an operator on it, GPU nodes, and InferenceDeployments as a team would write them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.hardware import L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool
from tests.controlplane.operator_process import OperatorProcess
from tests.controlplane.waiting import eventually

API = "inferfleet.dev/v1alpha1"
MODEL = "Qwen/Qwen2.5-7B-Instruct"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Team:
    """A namespace of one test, and short ways to write and read in it."""

    cluster: ControlPlane
    namespace: str

    def apply(self, name: str, **spec: Any) -> Document:
        """Apply a small chat deployment; `spec` replaces parts."""
        return self.cluster.objects.apply(real_time(name, self.namespace, **spec))

    def get(self, name: str) -> Document:
        """Read an InferenceDeployment."""
        return self.cluster.objects.get(API, "InferenceDeployment", name, self.namespace)

    def delete(self, name: str) -> None:
        """Delete an InferenceDeployment."""
        self.cluster.objects.delete(API, "InferenceDeployment", name, self.namespace)

    def forbid_gpus(self) -> None:
        """Let a quota refuse every pod that asks for a GPU, and wait until it is in force."""
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "no-gpus", "namespace": self.namespace},
            "spec": {"hard": {"requests.nvidia.com/gpu": "0"}},
        }
        self.cluster.objects.apply(quota)
        eventually(
            lambda: self.cluster.objects.get("v1", "ResourceQuota", "no-gpus", self.namespace)["status"]["hard"], 60
        )

    def allow_gpus(self) -> None:
        """Take the quota away."""
        self.cluster.objects.delete("v1", "ResourceQuota", "no-gpus", self.namespace)

    def children(self, kind: str = "Deployment") -> list[Document]:
        """List the children of a kind."""
        version = {"Deployment": "apps/v1", "Service": "v1", "Pod": "v1", "Job": "batch/v1"}[kind]
        return self.cluster.objects.list(version, kind, self.namespace)

    def wait(self, name: str, reason: str = "Serving", *, timeout: float = 60) -> Document:
        """Wait until Ready of the present generation has this reason; returns the object."""

        def reached() -> Document:
            item = self.get(name)
            found = condition(item)
            assert found.get("reason") == reason, found or "no status yet"
            assert found.get("observedGeneration") == item["metadata"]["generation"]
            return item

        return eventually(reached, timeout, describe=f"{name} Ready/{reason}")


def gpu_pool(pool: Pool, **spec: Any) -> Document:
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


def budget(name: str, namespace: str, usd_per_month: str, **spec: Any) -> Document:
    """A BudgetPolicy over one namespace."""
    return {
        "apiVersion": API,
        "kind": "BudgetPolicy",
        "metadata": {"name": name},
        "spec": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "usdPerMonth": usd_per_month,
            **spec,
        },
    }


def real_time(name: str, namespace: str, **spec: Any) -> Document:
    """A small chat deployment that needs one L40S; `spec` replaces parts."""
    return {
        "apiVersion": API,
        "kind": "InferenceDeployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "model": {"id": MODEL},
            "workload": {"class": "RealTime"},
            "traffic": {"requestsPerSecond": "0.5", "inputTokens": 400, "outputTokens": 100},
            "engine": {"maxModelLen": 4096},
            **spec,
        },
    }


def condition(item: Document, kind: str = "Ready") -> Document:
    """One condition of an object, empty when it is not there yet."""
    found = (entry for entry in item.get("status", {}).get("conditions", ()) if entry["type"] == kind)
    return next(found, {})


@pytest.fixture(scope="module")
def pool(module_cluster: ControlPlane) -> Pool:
    """Four nodes of four L40S each, 1.60 USD per GPU-hour."""
    pool = Pool(name="l40s", gpu=L40S, gpus_per_node=4, provider=Provider.EKS)
    scale_pool(module_cluster, pool, 4)
    module_cluster.objects.apply(gpu_pool(pool))
    return pool


@pytest.fixture(scope="module")
def operator(module_cluster: ControlPlane, pool: Pool) -> Iterator[OperatorProcess]:
    """One operator for the tests of a file that leave it alone."""
    with OperatorProcess.start(module_cluster) as running:
        yield running


@pytest.fixture(scope="module")
def numbers() -> Callable[[], int]:
    """Count namespaces of a file."""
    return itertools.count(1).__next__


@pytest.fixture
def team(module_cluster: ControlPlane, numbers: Callable[[], int]) -> Iterator[Team]:
    """A namespace of one test, emptied afterwards."""
    namespace = module_cluster.create_namespace(f"team-{numbers()}")
    yield Team(module_cluster, namespace)
    module_cluster.delete_namespace(namespace)
