"""Labels of children, and the few of them that selectors may rely on.

In: the demand and a placement's name. Out: label dictionaries. Selectors are immutable on Deployments and Jobs, so they
hold nothing that a later version or another decision could change. Tenants' own labels are never copied: they could
make pods match somebody else's selectors.
"""

from enum import StrEnum

from inferfleet.domain.children import DEPLOYMENT_LABEL, PLACEMENT_LABEL
from inferfleet.domain.demand import Demand
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool

COMPONENT = "app.kubernetes.io/component"


class Component(StrEnum):
    """What a child is for."""

    ENGINE = "engine"
    BATCH = "batch"


def component(demand: Demand) -> Component:
    """Return what the pods of this demand are for."""
    return Component.BATCH if demand.spec.is_batch else Component.ENGINE


def common(demand: Demand) -> dict[str, str]:
    """Labels of every child (Kubernetes documentation, "Recommended Labels", and ours)."""
    return {
        "app.kubernetes.io/name": "vllm",
        "app.kubernetes.io/instance": demand.name,
        COMPONENT: component(demand).value,
        "app.kubernetes.io/managed-by": "inferfleet",
        "app.kubernetes.io/part-of": "inferfleet",
        DEPLOYMENT_LABEL: demand.name,
    }


def of_placement(demand: Demand, placement: Placement) -> dict[str, str]:
    """Labels of the workload of one placement and of its pods."""
    return {**common(demand), PLACEMENT_LABEL: placement.name}


def selector(demand: Demand) -> dict[str, str]:
    """Select the pods of all placements; `status.selector` of the InferenceDeployment is its text form."""
    return {DEPLOYMENT_LABEL: demand.name}


def placement_selector(demand: Demand, placement: Placement) -> dict[str, str]:
    """Select the pods of one placement."""
    return {DEPLOYMENT_LABEL: demand.name, PLACEMENT_LABEL: placement.name}


def annotations(placement: Placement, pool: Pool) -> dict[str, str]:
    """Return what people want to know of a placement; names may be longer than label values."""
    return {
        "inferfleet.dev/pool": pool.name,
        "inferfleet.dev/gpu-type": placement.gpu_type,
        "inferfleet.dev/capacity-type": placement.capacity_type.value,
        "inferfleet.dev/tensor-parallel-size": str(placement.tensor_parallel_size),
    }
