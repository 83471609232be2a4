"""Whether a GPU type and the resource that a pool's pods request belong to one vendor.

In: a GPU type and a resource name. Out: what is wrong, or None. The image follows from the resource and the planned
memory from the type, so a pool that mixes vendors would get an engine that cannot start.
"""

from inferfleet.api.gpu_resources import WHOLE_GPUS, vendor_of
from inferfleet.domain.gpu import GPU


def resource_problem(gpu: GPU, resource: str) -> str | None:
    """Return why no device plugin offers this GPU under `resource`, with the pool's field; None when one does."""
    if vendor_of(resource) == gpu.vendor:
        return None
    accepted = WHOLE_GPUS.get(gpu.vendor)
    offer = f"accepted: {accepted}" if accepted else "its vendor has none that is planned"
    return f"spec.gpuResourceName: {resource} does not offer {gpu.name}, a GPU of {gpu.vendor}; {offer}"
