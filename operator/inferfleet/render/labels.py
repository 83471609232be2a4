"""Labels of children, and the few of them that selectors may rely on.

In: the owner, what a child is for, and a placement. Out: label dictionaries. Selectors are immutable on Deployments and
Jobs, so they hold nothing that a later version or another decision could change. Tenants' own labels are never copied:
they could make pods match somebody else's selectors.
"""

from enum import StrEnum

from inferfleet.domain.children import PLACEMENT_LABEL, owner_label
from inferfleet.domain.owner import Owner
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool

COMPONENT = "app.kubernetes.io/component"


class Component(StrEnum):
    """What a child is for."""

    ENGINE = "engine"
    BATCH = "batch"


def common(owner: Owner, component: Component) -> dict[str, str]:
    """Labels of every child (Kubernetes documentation, "Recommended Labels", and ours)."""
    return {
        "app.kubernetes.io/name": "vllm",
        "app.kubernetes.io/instance": owner.name,
        COMPONENT: component.value,
        "app.kubernetes.io/managed-by": "inferfleet",
        "app.kubernetes.io/part-of": "inferfleet",
        **selector(owner),
    }


def of_placement(owner: Owner, component: Component, placement: Placement) -> dict[str, str]:
    """Labels of the workload of one placement and of its pods."""
    return {**common(owner, component), PLACEMENT_LABEL: placement.name}


def selector(owner: Owner) -> dict[str, str]:
    """Select the pods of all placements; `status.selector` of an InferenceDeployment is its text form."""
    return {owner_label(owner.kind): owner.name}


def placement_selector(owner: Owner, placement: Placement) -> dict[str, str]:
    """Select the pods of one placement."""
    return {**selector(owner), PLACEMENT_LABEL: placement.name}


def annotations(placement: Placement, pool: Pool) -> dict[str, str]:
    """Return what people want to know of a placement; names may be longer than label values."""
    return {
        "inferfleet.dev/pool": pool.name,
        "inferfleet.dev/gpu-type": placement.gpu_type,
        "inferfleet.dev/capacity-type": placement.capacity_type.value,
        "inferfleet.dev/tensor-parallel-size": str(placement.tensor_parallel_size),
    }
