"""The Deployment of one placement of a real-time InferenceDeployment.

In: demand, placement, pool, facts. Out: a manifest. The pod template depends on nothing that changes with the replica
count, so scaling never restarts a pod.
"""

from inferfleet.domain.demand import Demand
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool
from inferfleet.render import labels
from inferfleet.render.labels import Component
from inferfleet.render.manifest import Body, Manifest, manifest
from inferfleet.render.pod import engine_container, pod_base
from inferfleet.render.probes import PROVISIONING_SECONDS, liveness_probe, readiness_probe, shutdown
from inferfleet.render.resources import shared_memory_mib
from inferfleet.render.scheduling import topology_spread, workload_selector
from inferfleet.render.volumes import engine_volumes

REVISIONS_KEPT = 2


def deployment(demand: Demand, placement: Placement, pool: Pool, *, startup_seconds: int) -> Manifest:
    """Return the Deployment, whose engines may take `startup_seconds` to start.

    In a roll-out one pod ends before its successor starts: no GPU is used beyond what is paid for.
    """
    body: Body = {
        "metadata": {
            "name": placement.name,
            "labels": labels.of_placement(demand.owner, Component.ENGINE, placement),
            "annotations": labels.annotations(placement, pool),
        },
        "spec": {
            "replicas": placement.replicas,
            "revisionHistoryLimit": REVISIONS_KEPT,
            "progressDeadlineSeconds": startup_seconds + PROVISIONING_SECONDS,
            "selector": workload_selector(demand.owner, placement),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            "template": {
                "metadata": {"labels": labels.of_placement(demand.owner, Component.ENGINE, placement)},
                "spec": _pod_spec(demand, placement, pool, startup_seconds),
            },
        },
    }
    return manifest("apps/v1", "Deployment", demand.owner, body)


def _pod_spec(demand: Demand, placement: Placement, pool: Pool, startup_seconds: int) -> Body:
    timing = shutdown(demand.spec.workload.workload_class, placement.capacity_type)
    container = {
        **engine_container(demand, placement, pool, startup_seconds),
        "readinessProbe": readiness_probe(),
        "livenessProbe": liveness_probe(),
        # Endpoints are removed while the pod is told to stop; waiting first keeps new requests from a closing port.
        "lifecycle": {"preStop": {"sleep": {"seconds": timing.pre_stop}}},
    }
    memory = shared_memory_mib(pool, placement.tensor_parallel_size, with_worker=False)
    return {
        **pod_base(demand, placement, pool),
        "topologySpreadConstraints": topology_spread(demand.owner),
        "containers": [container],
        "volumes": engine_volumes(demand, memory),
    }
