"""What a pod requests of a node: its GPUs, and the same share of processors and memory.

In: the pool and the GPUs of a replica. Out: `resources` of containers. The sum over a full node stays below what the
node offers, with room for daemon sets, so a pod whose GPUs are free always fits. Extended resources stand in requests
and limits alike, as Kubernetes demands.
"""

from fractions import Fraction

from inferfleet.api.gpu_resources import vendor_of
from inferfleet.domain.world import Pool
from inferfleet.render.manifest import Body

MIB = 1024**2
# What daemon sets (network, storage, GPU drivers, logs) take on every node: a tenth, but no less than this.
DAEMON_SHARE = Fraction(1, 10)
DAEMON_MILLICPU = 500
DAEMON_MEMORY_MIB = 1024
# The driving process of a batch: one event loop, buffers of the requests in flight.
WORKER_MILLICPU = 250
WORKER_MEMORY_MIB = 512
# Asked for where nobody said what a node offers: fits the smallest GPU nodes that clouds sell (4 cores, 16 GiB).
UNKNOWN_MILLICPU_PER_GPU = 2000
UNKNOWN_MEMORY_MIB_PER_GPU = 8192
LEAST_MILLICPU = 100
LEAST_MEMORY_MIB = 1024
# Rings between the processes of one engine and NCCL's buffers (vLLM documentation, "Using Kubernetes": 2 GiB per GPU).
SHARED_MEMORY_MIB_PER_GPU = 2048
# AMD's collective library needs more (vLLM documentation, "Using Kubernetes", ROCm example: 8 GiB).
SHARED_MEMORY_MIB_AMD = 8192
SHARED_MEMORY_MIB_MOST = 16384


def engine_resources(pool: Pool, gpus: int, *, with_worker: bool) -> Body:
    """Return `resources` of the engine with `gpus` GPUs; `with_worker` leaves room for the batch worker in the pod.

    Memory is limited where the node's size is known, at the request: a leak ends the engine and not its neighbours.
    Processors are never limited, because throttling shows as latency.
    """
    memory = _memory_mib(pool, gpus, with_worker=with_worker)
    requests: dict[str, str] = {"cpu": f"{_millicpu(pool, gpus, with_worker=with_worker)}m"}
    limits: dict[str, str] = {}
    if memory is None:
        requests["memory"] = f"{UNKNOWN_MEMORY_MIB_PER_GPU * gpus}Mi"
    else:
        requests["memory"] = limits["memory"] = f"{memory}Mi"
    requests[pool.gpu_resource_name] = limits[pool.gpu_resource_name] = str(gpus)
    return {"requests": requests, "limits": limits}


def worker_resources() -> Body:
    """Return `resources` of the batch worker."""
    memory = f"{WORKER_MEMORY_MIB}Mi"
    return {"requests": {"cpu": f"{WORKER_MILLICPU}m", "memory": memory}, "limits": {"memory": memory}}


def shared_memory_mib(pool: Pool, gpus: int, *, with_worker: bool) -> int:
    """Return the size of `/dev/shm`, which counts against the memory limit: at most a quarter of it."""
    amd = vendor_of(pool.gpu_resource_name) == "AMD"
    wanted = max(SHARED_MEMORY_MIB_PER_GPU * gpus, SHARED_MEMORY_MIB_AMD if amd else 0)
    memory = _memory_mib(pool, gpus, with_worker=with_worker)
    return min(wanted, SHARED_MEMORY_MIB_MOST, memory // 4 if memory is not None else wanted)


def _millicpu(pool: Pool, gpus: int, *, with_worker: bool) -> int:
    if pool.node_cpu is None:
        return UNKNOWN_MILLICPU_PER_GPU * gpus
    share = _share(int(pool.node_cpu * 1000), DAEMON_MILLICPU, gpus, pool.gpus_per_node)
    return max(LEAST_MILLICPU, share - (WORKER_MILLICPU if with_worker else 0))


def _memory_mib(pool: Pool, gpus: int, *, with_worker: bool) -> int | None:
    if pool.node_memory_bytes is None:
        return None
    share = _share(pool.node_memory_bytes // MIB, DAEMON_MEMORY_MIB, gpus, pool.gpus_per_node)
    return max(LEAST_MEMORY_MIB, share - (WORKER_MEMORY_MIB if with_worker else 0))


def _share(offered: int, daemons_at_least: int, gpus: int, gpus_per_node: int) -> int:
    """(offered - daemons) x GPUs used / GPUs of the node, rounded down."""
    daemons = max(daemons_at_least, int(offered * DAEMON_SHARE))
    return int(Fraction((offered - daemons) * gpus, gpus_per_node))
