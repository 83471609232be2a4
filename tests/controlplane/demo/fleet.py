"""The simulated GPU nodes of the demo: machines for the pools that `examples/` declares, as each provider makes them.

In: the GPUPool documents of the examples. Out: nodes of a cluster. What a pool declares (GPUs per node, allocatable,
region, capacity type) is taken from the document; what a provider writes on its nodes is written here, so that a
selector or a toleration that is wrong in an example shows as a pool without nodes or as pods that nobody can take.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tests.controlplane.cluster import Cluster
from tests.controlplane.hardware import A100, GPU, H100, L4, L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool
from tests.controlplane.objects import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """The nodes of one pool. `labels` are those that the provider's own name for the pool or machine decides."""

    gpu: GPU
    provider: Provider
    nodes: int
    tainted: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)


_KARPENTER_L40S = {
    "karpenter.sh/nodepool": "gpu-l40s",
    # NVIDIA's GPU operator runs beside Karpenter and adds what it finds on the machine.
    "nvidia.com/gpu.present": "true",
    "nvidia.com/gpu.product": L40S.product,
    "nvidia.com/gpu.memory": str(L40S.driver_memory_mib),
    "nvidia.com/gpu.count": "4",
}

MACHINES: Mapping[str, Machines] = MappingProxyType(
    {
        "l40s-od": Machines(gpu=L40S, provider=Provider.KARPENTER, nodes=2, labels=_KARPENTER_L40S),
        "l40s-spot": Machines(gpu=L40S, provider=Provider.KARPENTER, nodes=2, labels=_KARPENTER_L40S),
        "h100-od": Machines(
            gpu=H100,
            provider=Provider.GKE,
            nodes=1,
            labels={
                "cloud.google.com/gke-nodepool": "a3-highgpu-8g",
                "node.kubernetes.io/instance-type": "a3-highgpu-8g",
            },
        ),
        "a100-od": Machines(
            gpu=A100,
            provider=Provider.AKS,
            nodes=2,
            labels={
                "kubernetes.azure.com/agentpool": "a100",
                "node.kubernetes.io/instance-type": "Standard_ND96amsr_A100_v4",
            },
        ),
        "l4-owned": Machines(
            gpu=L4,
            provider=Provider.BARE_METAL,
            nodes=1,
            tainted=False,
            labels={"node.kubernetes.io/instance-type": "bare-metal"},
        ),
    }
)
"""The machines of every pool that has some, by the name of the GPUPool."""

AT_ZERO = frozenset({"h200-ordered"})
"""Pools that are declared and have no node: the operator has to plan with what it is told about them."""


def create_nodes(cluster: Cluster, gpu_pools: Iterable[Manifest]) -> dict[str, list[str]]:
    """Create the nodes of every pool and return their names by pool. Raises LookupError for a pool unknown here."""
    names: dict[str, list[str]] = {}
    for gpu_pool in gpu_pools:
        name = gpu_pool["metadata"]["name"]
        if name in AT_ZERO:
            names[name] = []
            continue
        if name not in MACHINES:
            raise LookupError(
                f"GPUPool {name} of the examples has no machines in the demo's fleet, nor is it in AT_ZERO"
            )
        machines = MACHINES[name]
        names[name] = scale_pool(cluster, node_pool(gpu_pool, machines), machines.nodes)
    return names


def node_pool(gpu_pool: Manifest, machines: Machines) -> Pool:
    """Return the simulated pool of a GPUPool document."""
    spec = gpu_pool["spec"]
    return Pool(
        name=gpu_pool["metadata"]["name"],
        gpu=machines.gpu,
        gpus_per_node=spec["gpusPerNode"],
        spot=spec["capacityType"] == "Spot",
        provider=machines.provider,
        region=spec["region"],
        cpu=spec["nodeAllocatable"]["cpu"],
        memory=spec["nodeAllocatable"]["memory"],
        tainted=machines.tainted,
        labels=dict(machines.labels),
    )
