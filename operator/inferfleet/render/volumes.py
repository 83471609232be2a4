"""The volumes of an engine pod, and where they are mounted.

In: demand, pool, GPUs. Out: `volumes` and `volumeMounts`. Weights live in the tenant's claim or in the pod; everything
the engine writes goes to volumes of its own, because it runs without the right to write anywhere else. Claims are
named, never created.
"""

from inferfleet.api.enums import ModelSource
from inferfleet.domain.demand import Demand
from inferfleet.render.manifest import Body
from inferfleet.render.names import (
    MODEL_CACHE_PATH,
    MODEL_SOURCE_PATH,
    SCRATCH_PATH,
    SHARED_MEMORY_PATH,
    TEMPORARY_PATH,
)


def engine_volumes(demand: Demand, shared_memory_mib: int) -> list[Body]:
    """Return the pod's volumes for the engine; `shared_memory_mib` is the size of `/dev/shm` in MiB."""
    model = demand.spec.model
    volumes: list[Body] = [
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": f"{shared_memory_mib}Mi"}},
        {"name": "scratch", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
    ]
    if model.source is ModelSource.PERSISTENT_VOLUME_CLAIM:
        volumes.append({"name": "models", "persistentVolumeClaim": {"claimName": model.claim_name, "readOnly": True}})
    elif model.cache is not None:
        claim = model.cache.persistent_volume_claim.claim_name
        volumes.append({"name": "cache", "persistentVolumeClaim": {"claimName": claim}})
    else:
        volumes.append({"name": "cache", "emptyDir": {}})
    return volumes


def engine_mounts(demand: Demand) -> list[Body]:
    """Return the mounts of these volumes in the engine's container."""
    mounts: list[Body] = [
        {"name": "shared-memory", "mountPath": SHARED_MEMORY_PATH},
        {"name": "scratch", "mountPath": SCRATCH_PATH},
        {"name": "tmp", "mountPath": TEMPORARY_PATH},
    ]
    if demand.spec.model.source is ModelSource.PERSISTENT_VOLUME_CLAIM:
        mounts.append({"name": "models", "mountPath": MODEL_SOURCE_PATH, "readOnly": True})
    else:
        mounts.append({"name": "cache", "mountPath": MODEL_CACHE_PATH})
    return mounts
