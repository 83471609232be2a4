"""The engine's container, and the pod around it, for both workload classes.

In: demand, placement, pool, start-up seconds. Out: a container and the parts of a pod spec that do not differ between
a Deployment and a Job. Every pod passes the `restricted` Pod Security Standard, has no service account token and reads
Secrets only by reference.
"""

from inferfleet.api.enums import CapacityType
from inferfleet.api.gpu_resources import vendor_of
from inferfleet.domain.children import ENGINE_CONTAINER
from inferfleet.domain.demand import Demand
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool
from inferfleet.render.environment import engine_environment
from inferfleet.render.flags import engine_args
from inferfleet.render.images import engine_image
from inferfleet.render.manifest import Body
from inferfleet.render.names import ENGINE_PORT, HTTP_PORT_NAME
from inferfleet.render.probes import shutdown, startup_probe
from inferfleet.render.resources import engine_resources
from inferfleet.render.scheduling import node_affinity, tolerations
from inferfleet.render.volumes import engine_mounts

# The user that vLLM's images know as `vllm` (vLLM `docker/Dockerfile`: useradd --uid 2000).
USER_ID = 2000
# Debian's static group of graphics devices, to which AMD's device nodes belong (Debian base-passwd: video).
AMD_DEVICE_GROUP = 44


def engine_container(demand: Demand, placement: Placement, pool: Pool, startup_seconds: int) -> Body:
    """Return the engine's container with its start-up probe.

    The command is written out because images differ in their entry point; there is no shell in between, so the engine
    itself receives SIGTERM.
    """
    timing = shutdown(demand.spec.workload.workload_class, placement.capacity_type)
    return {
        "name": ENGINE_CONTAINER,
        "image": engine_image(demand, placement, pool),
        "command": ["vllm", "serve"],
        "args": list(engine_args(demand, placement, timing.drain)),
        "env": engine_environment(demand, startup_seconds),
        "ports": [{"name": HTTP_PORT_NAME, "containerPort": ENGINE_PORT, "protocol": "TCP"}],
        "startupProbe": startup_probe(startup_seconds),
        "resources": engine_resources(pool, placement.tensor_parallel_size, with_worker=demand.spec.is_batch),
        "volumeMounts": engine_mounts(demand),
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def pod_base(demand: Demand, placement: Placement, pool: Pool) -> Body:
    """Return what the pod specs of both classes share: nodes, security, and the time to end."""
    expendable = demand.spec.is_batch or placement.capacity_type is CapacityType.SPOT
    return {
        "affinity": node_affinity(pool),
        "tolerations": tolerations(pool, leave_dead_nodes=expendable),
        "securityContext": _pod_security(pool),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": shutdown(demand.spec.workload.workload_class, placement.capacity_type).grace,
    }


def container_security(*, read_only_root: bool = False) -> Body:
    """Return the security context of a container.

    The engine's root file system stays writable: the NVIDIA container toolkit's hooks write into it at start.
    """
    security: Body = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    if read_only_root:
        security["readOnlyRootFilesystem"] = True
    return security


def _pod_security(pool: Pool) -> Body:
    security: Body = {
        "runAsNonRoot": True,
        "runAsUser": USER_ID,
        "runAsGroup": USER_ID,
        "fsGroup": USER_ID,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if vendor_of(pool.gpu_resource_name) == "AMD":
        security["supplementalGroups"] = [AMD_DEVICE_GROUP]
    return security
