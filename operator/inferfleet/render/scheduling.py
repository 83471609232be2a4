"""The nodes that a pod may run on: those of its pool, and never spot by accident.

In: the pool, the placement. Out: affinity, tolerations and topology spread. The affinity is required and names the
labels that the provisioner puts on new nodes, so that a pool at zero can grow. Absence of a toleration keeps nobody off
spot: EKS and Karpenter do not taint spot nodes.
"""

from collections.abc import Iterable

from inferfleet.api.enums import CapacityType
from inferfleet.catalog.spot_nodes import SPOT_TOLERATIONS, spot_labels
from inferfleet.domain.owner import Owner
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool, Toleration
from inferfleet.render.labels import placement_selector, selector
from inferfleet.render.manifest import Body

# A spot node that is gone must not hold a replica for the default five minutes.
_DEAD_NODE_SECONDS = 30
_DEAD_NODE_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def node_affinity(pool: Pool) -> Body:
    """Return the affinity that requires the pool's labels and excludes nodes that the plan does not count on.

    Excluded are spot nodes, unless the pool is spot, and nodes of the pool with other, shared or sliced GPUs.
    """
    expressions: list[Body] = [
        {"key": key, "operator": "In", "values": [value]} for key, value in sorted(pool.node_selector)
    ]
    expressions.extend(
        {"key": key, "operator": "NotIn", "values": list(values)}
        for key, values in (*spot_labels(pool.node_selector, pool.capacity_type), *pool.avoided)
    )
    terms = [{"matchExpressions": expressions}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def tolerated(
    declared: Iterable[Toleration], *, gpu_resource_name: str, capacity_type: CapacityType
) -> tuple[Toleration, ...]:
    """Return what a pool's pods tolerate on healthy nodes; the plan counts nodes by the same rule.

    That is what the pool declares, the taint named after its GPU resource, and on spot pools the providers' taints.
    """
    wanted = list(declared)
    if not any(_covers(toleration, gpu_resource_name) for toleration in wanted):
        wanted.append(Toleration(key=gpu_resource_name, operator="Exists"))
    if capacity_type is CapacityType.SPOT:
        wanted.extend(extra for extra in SPOT_TOLERATIONS if not any(_covers(own, extra.key) for own in wanted))
    return tuple(wanted)


def tolerations(pool: Pool, *, leave_dead_nodes: bool) -> list[Body]:
    """Return what the pool's pods tolerate.

    `leave_dead_nodes`: a pod is replaced 30 s after its node stops answering, not after the default 300 s.
    """
    wanted = tolerated(pool.tolerations, gpu_resource_name=pool.gpu_resource_name, capacity_type=pool.capacity_type)
    bodies = [_toleration(toleration) for toleration in wanted]
    if leave_dead_nodes:
        bodies.extend(
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _DEAD_NODE_SECONDS}
            for key in _DEAD_NODE_TAINTS
        )
    return bodies


def topology_spread(owner: Owner) -> list[Body]:
    """Return a preference for other zones and other nodes for further replicas; no rule, because GPUs are scarce.

    A single replica has it too: a template that changed with the count would restart every pod when a second one comes.
    """
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector(owner)},
        }
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]


def workload_selector(owner: Owner, placement: Placement) -> Body:
    """Return the label selector of a workload."""
    return {"matchLabels": placement_selector(owner, placement)}


def _covers(toleration: Toleration, key: str) -> bool:
    """Whether a toleration is about the taint of this key; an empty key is about all taints."""
    return toleration.key in {key, ""}


def _toleration(toleration: Toleration) -> Body:
    fields = {
        "key": toleration.key,
        "operator": toleration.operator,
        "value": toleration.value,
        "effect": toleration.effect,
    }
    return {name: value for name, value in fields.items() if value}
