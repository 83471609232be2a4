"""How providers mark spot nodes: the labels that pods of other pools keep off, and the taints that pods tolerate there.

In: what a pool selects and how it is sold. Out: label keys with the values that mean spot.
"""

from inferfleet.api.enums import CapacityType
from inferfleet.domain.world import LabelValues, Toleration

# Sources: Karpenter docs (well-known labels), EKS managed node groups (capacityType), GKE (gke-spot, gke-provisioning,
# gke-preemptible), AKS (scalesetpriority, and its successor priority).
SPOT_LABELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("karpenter.sh/capacity-type", ("spot",)),
    ("eks.amazonaws.com/capacityType", ("SPOT",)),
    ("cloud.google.com/gke-spot", ("true",)),
    ("cloud.google.com/gke-provisioning", ("spot", "preemptible")),
    ("cloud.google.com/gke-preemptible", ("true",)),
    ("kubernetes.azure.com/scalesetpriority", ("spot",)),
    ("kubernetes.azure.com/priority", ("spot",)),
)
"""Labels of spot nodes with the values that mean spot. `NotIn` also matches nodes without the label."""

SPOT_TOLERATIONS = (
    Toleration(key="cloud.google.com/gke-spot", value="true", effect="NoSchedule"),
    Toleration(key="kubernetes.azure.com/scalesetpriority", value="spot", effect="NoSchedule"),
)
"""Tolerations of the taints that AKS puts, and GKE may put, on spot nodes (AKS "Add an Azure Spot node pool"; GKE "Spot
VMs"). EKS and Karpenter do not taint spot nodes."""


def spot_labels(selector: LabelValues, capacity_type: CapacityType) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the labels, with their values, of spot nodes that a pool's pods keep off: none in a spot pool.

    What the pool itself selects by one of the keys stays allowed.
    """
    if capacity_type is CapacityType.SPOT:
        return ()
    chosen = {key for key, _ in selector}
    return tuple((key, values) for key, values in SPOT_LABELS if key not in chosen)
