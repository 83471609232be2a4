"""GPU models as they appear on the nodes of real clusters.

In: nothing. Out: constants that `nodes.py` turns into labels and resources. Must not be read by the product, which has
its own catalogue: the two agreeing is what tests show.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GPU:
    """How one GPU model appears on nodes. Memory in MiB: what the driver says, and what EC2's API says."""

    product: str
    driver_memory_mib: int
    catalogue_memory_mib: int
    short_name: str
    gke_accelerator: str
    instance_type: str
    resource: str = "nvidia.com/gpu"


# Product and driver memory as GPU Feature Discovery prints them, catalogue memory as Karpenter's AWS provider documents
# it (v1.14), accelerator names as GKE's (AI-Hypercomputer/xpk, system_characteristics.py).
H100 = GPU(
    product="NVIDIA-H100-80GB-HBM3",
    driver_memory_mib=81559,
    catalogue_memory_mib=81920,
    short_name="h100",
    gke_accelerator="nvidia-h100-80gb",
    instance_type="p5.48xlarge",
)
A100 = GPU(
    product="NVIDIA-A100-SXM4-80GB",
    driver_memory_mib=81920,
    catalogue_memory_mib=81920,
    short_name="a100",
    gke_accelerator="nvidia-a100-80gb",
    instance_type="p4de.24xlarge",
)
A100_40GB = GPU(
    product="NVIDIA-A100-SXM4-40GB",
    driver_memory_mib=40960,
    catalogue_memory_mib=40960,
    short_name="a100",
    gke_accelerator="nvidia-tesla-a100",
    instance_type="p4d.24xlarge",
)
L40S = GPU(
    product="NVIDIA-L40S",
    driver_memory_mib=46068,
    catalogue_memory_mib=45776,
    short_name="l40s",
    gke_accelerator="nvidia-l40s",
    instance_type="g6e.12xlarge",
)
L4 = GPU(
    product="NVIDIA-L4",
    driver_memory_mib=23034,
    catalogue_memory_mib=22888,
    short_name="l4",
    gke_accelerator="nvidia-l4",
    instance_type="g6.12xlarge",
)
A10G = GPU(
    product="NVIDIA-A10G",
    driver_memory_mib=23028,
    catalogue_memory_mib=22888,
    short_name="a10g",
    gke_accelerator="nvidia-a10g",
    instance_type="g5.12xlarge",
)
T4 = GPU(
    product="Tesla-T4",
    driver_memory_mib=15360,
    catalogue_memory_mib=16384,
    short_name="t4",
    gke_accelerator="nvidia-tesla-t4",
    instance_type="g4dn.12xlarge",
)
MI300X = GPU(
    product="AMD_Instinct_MI300X",
    driver_memory_mib=196608,
    catalogue_memory_mib=196608,
    short_name="mi300x",
    gke_accelerator="amd-mi300x",
    instance_type="Standard_ND96isr_MI300X_v5",
    resource="amd.com/gpu",
)
