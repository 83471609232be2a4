"""The extended resources under which device plugins offer GPUs: whole ones, and slices or shares of one.

In: a resource name. Out: its vendor, and whether it stands for a whole GPU. Sources: NVIDIA k8s-device-plugin README
("Shared Access to GPUs", MIG strategy `mixed`), AMD k8s-device-plugin (resource naming strategy `mixed`).
"""

from __future__ import annotations

import re

GPU_RESOURCE_PATTERN = (
    r"^((nvidia|amd)[.]com/gpu|nvidia[.]com/gpu[.]shared|nvidia[.]com/mig-[1-9][0-9a-z.]*|amd[.]com/[sdqc]px_nps[1-8])$"
)
"""Every name that a device plugin gives to GPUs or to parts of them."""

WHOLE_GPUS = {"NVIDIA": "nvidia.com/gpu", "AMD": "amd.com/gpu"}
"""The resource of whole GPUs, by vendor."""

_GPU_RESOURCE = re.compile(GPU_RESOURCE_PATTERN)


def is_gpu_resource(name: str) -> bool:
    """Return whether a device plugin offers GPUs, or parts of them, under this name."""
    return _GPU_RESOURCE.fullmatch(name) is not None


def is_whole_gpu(name: str) -> bool:
    """Return whether one of this resource is one GPU: no MIG slice, no time-sliced or MPS share, no AMD partition."""
    return name in WHOLE_GPUS.values()


def vendor_of(name: str) -> str:
    """Return the vendor whose device plugin offers this resource."""
    return "AMD" if name.startswith("amd.com/") else "NVIDIA"
