"""Why pods of a pool keep off one of its nodes, and the labels by which the scheduler keeps them off too.

In: node facts, what their labels say of their GPUs, and what the pool's pods tolerate. Out: a reason or None; label
values for the pods' affinity. Must not look at what is free, nor at what passes by itself (a cordon, a node not ready).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from inferfleet.api.enums import CapacityType
from inferfleet.catalog.node_gpu import AMD_BETA_PRODUCT, AMD_PRODUCT, GFD_PRODUCT, Identified, UnknownGPU
from inferfleet.catalog.spot_nodes import spot_labels
from inferfleet.domain.observed import NodeFacts, Taint
from inferfleet.domain.world import LabelValues, Toleration

# Labels that may tell a node with other, shared or sliced GPUs from its neighbours, the plainest first
# (gpu-feature-discovery README, GKE "GPU sharing strategies", ROCm/k8s-device-plugin node labeller).
_TELLING = (
    GFD_PRODUCT,
    AMD_PRODUCT,
    AMD_BETA_PRODUCT,
    "nvidia.com/gpu.sharing-strategy",
    "nvidia.com/gpu.replicas",
    "cloud.google.com/gke-gpu-sharing-strategy",
    "cloud.google.com/gke-max-shared-clients-per-gpu",
    "cloud.google.com/gke-gpu-partition-size",
    "amd.com/gpu.compute-memory-partition",
    "beta.amd.com/gpu.compute-memory-partition",
    "nvidia.com/gpu.memory",
    "amd.com/gpu.memory",
    "amd.com/gpu.vram",
)
_DRIVER_LABELS = frozenset({GFD_PRODUCT, AMD_PRODUCT, AMD_BETA_PRODUCT})
# Taints that Kubernetes sets for a node's state and takes away again.
_PASSING = "node.kubernetes.io/"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFit:
    """A node of a pool, and what is against it (None: nothing).

    `contradiction` is what its labels say against the pool's GPU type, `spot` what they say against its capacity type,
    `partial` that it gives no whole GPUs, `taint` the first that the pods do not tolerate.
    """

    node: NodeFacts
    reading: Identified | UnknownGPU
    contradiction: str | None
    spot: str | None
    partial: str | None
    taint: Taint | None

    @property
    def left_out(self) -> str | None:
        """Why labels or taints rule the node out, None when they do not."""
        found = self.contradiction or self.spot or self.partial
        return found if found or self.taint is None else _taint_words(self.node, self.taint)

    @property
    def odd(self) -> bool:
        """Whether its GPUs are not those of the pool, or not whole; the pods' affinity does not know such nodes."""
        return self.contradiction is not None or self.partial is not None


def other_gpu(node: NodeFacts, reading: Identified | UnknownGPU, gpu_type: str) -> str | None:
    """Return a message when a node's labels name another GPU than the pool's type, else None.

    Without a label that names a product the pool's own statement counts; an unknown product counts as another.
    """
    if isinstance(reading, UnknownGPU):
        named = any(key in _DRIVER_LABELS for key, _ in node.labels)
        return f"node {node.name}: {reading.message}" if named else None
    return f"node {node.name} carries {reading.gpu_type}" if reading.gpu_type != gpu_type else None


def partial_gpus(node: NodeFacts, reading: Identified | UnknownGPU) -> str | None:
    """Return a message when pods get no whole GPUs of their own on a node, else None."""
    if isinstance(reading, UnknownGPU) or reading.whole:
        return None
    if reading.mig_profile is not None:
        return f"node {node.name} hands out slices of its GPUs ({reading.mig_profile})"
    return f"node {node.name} shares its GPUs between pods"


@lru_cache(maxsize=1024)
def spot_marks(selector: LabelValues, capacity_type: CapacityType) -> Mapping[tuple[str, str], str]:
    """Return a message for each spot label, by key and value, that the affinity of the pool's pods excludes."""
    return {
        (key, value): f"is spot ({key}={value}), and the pool's capacityType is {capacity_type}"
        for key, values in spot_labels(selector, capacity_type)
        for value in values
    }


def spot_mark(node: NodeFacts, marks: Mapping[tuple[str, str], str]) -> str | None:
    """Return a message when a label marks a node as spot in a pool that is not, else None."""
    if node.labels.isdisjoint(marks):
        return None
    first = min(node.labels & marks.keys())
    return f"node {node.name} {marks[first]}"


def untolerated(node: NodeFacts, tolerations: tuple[Toleration, ...]) -> Taint | None:
    """Return the first taint that keeps off pods with these tolerations, None when they may run there."""
    return next((taint for taint in node.taints if not _tolerated(taint, tolerations)), None)


def telling_labels(
    fits: Iterable[NodeFit], resource: str, selector: LabelValues
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return, by label key, values that odd nodes with devices of this resource carry and none of the others does.

    Empty where there are no odd nodes, or nothing tells them apart.
    """
    known = tuple(fits)
    odd = tuple(fit for fit in known if fit.odd and dict(fit.node.allocatable).get(resource))
    if not odd:
        return ()
    usual = frozenset(selector).union(*(fit.node.labels for fit in known if not fit.odd))
    found: dict[str, set[str]] = {}
    for fit in odd:
        labels = dict(fit.node.labels)
        keys = (*_TELLING, *(fit.reading.product_labels if isinstance(fit.reading, Identified) else ()))
        key = next((key for key in keys if key in labels and (key, labels[key]) not in usual), None)
        if key is not None:
            found.setdefault(key, set()).add(labels[key])
    return tuple((key, tuple(sorted(found[key]))) for key in sorted(found))


def _taint_words(node: NodeFacts, taint: Taint) -> str | None:
    """Return a message about a taint that the pool does not tolerate; None for one that passes by itself."""
    if taint.key.startswith(_PASSING):
        return None
    value = f"={taint.value}" if taint.value else ""
    return f"node {node.name} has the taint {taint.key}{value}:{taint.effect}, not in spec.tolerations"


def _tolerated(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    """Whether a taint keeps no pod off (k8s.io/component-helpers/scheduling/corev1, ToleratesTaint)."""
    if taint.effect == "PreferNoSchedule":
        return True
    return any(
        toleration.effect in ("", taint.effect)
        and toleration.key in ("", taint.key)
        and (toleration.operator == "Exists" or toleration.value == taint.value)
        for toleration in tolerations
    )
