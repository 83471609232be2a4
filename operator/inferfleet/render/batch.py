"""The Job of one placement of a batch InferenceDeployment: the engine as native sidecar, the worker that drives it.

In: demand, placement, pool, facts. Out: a manifest. The sidecar starts first, is restarted in place, and ends after the
worker, so an engine crash costs the requests in flight and not the Job's retries. Interruptions (spot, drains) are not
failures; input that can never work ends the Job at once instead of paying for retries. The Job is never deleted by a
time-out of its own: its result is part of the owner's status.
"""

from dataclasses import asdict

from inferfleet.domain.children import WORKER_CONTAINER
from inferfleet.domain.demand import Demand
from inferfleet.domain.exit_codes import BAD_INPUT
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool
from inferfleet.render import labels
from inferfleet.render.batch_places import Places, batch_places
from inferfleet.render.environment import API_KEY_VARIABLE, api_key
from inferfleet.render.flags import served_model_name
from inferfleet.render.labels import Component
from inferfleet.render.manifest import Body, Manifest, manifest
from inferfleet.render.names import BATCH_WORK_PATH, ENGINE_PORT
from inferfleet.render.pod import container_security, engine_container, pod_base
from inferfleet.render.probes import liveness_probe, shutdown
from inferfleet.render.resources import shared_memory_mib, worker_resources
from inferfleet.render.volumes import engine_volumes

WORKER_METRICS_PORT = 8001
# Failures of the worker or the pod that are not interruptions; each retry pays for a model load.
BACKOFF_LIMIT = 4
# Requests in flight per sequence that the engine runs at once; `vllm run-batch` keeps its queue as long.
IN_FLIGHT_PER_SEQUENCE = 2
# Seconds of the grace period in which the worker writes and the engine ends.
END_SECONDS = 8


def job(
    demand: Demand,
    placement: Placement,
    pool: Pool,
    *,
    worker_image: str,
    startup_seconds: int,
    seconds_left: int | None,
) -> Manifest:
    """Return the Job, which ends after `seconds_left` (None: no deadline), finished or not."""
    batch = demand.spec.batch
    assert batch is not None
    places = batch_places(batch, demand.name)
    spec: Body = {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": BACKOFF_LIMIT,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": _failure_policy(),
        "template": {
            "metadata": {"labels": labels.of_placement(demand.owner, Component.BATCH, placement)},
            "spec": {
                **pod_base(demand, placement, pool),
                "restartPolicy": "Never",
                "initContainers": [_engine(demand, placement, pool, startup_seconds)],
                "containers": [_worker(demand, placement, places, worker_image)],
                "volumes": _volumes(demand, placement, pool, places),
            },
        },
    }
    if seconds_left is not None:
        spec["activeDeadlineSeconds"] = seconds_left
    metadata = {
        "name": placement.name,
        "labels": labels.of_placement(demand.owner, Component.BATCH, placement),
        "annotations": labels.annotations(placement, pool),
    }
    body = {"metadata": metadata, "spec": spec}
    return manifest("batch/v1", "Job", demand.owner, body, intent=_intent(demand, placement))


def _intent(demand: Demand, placement: Placement) -> Body:
    """Return what a Job is made for; any change of it needs another Job."""
    spec = demand.spec
    assert spec.batch is not None
    return {
        "model": spec.model.model_dump(mode="json"),
        "engine": spec.engine.model_dump(mode="json"),
        "batch": spec.batch.model_dump(mode="json", include={"input", "output", "deadline_seconds"}),
        "placement": [placement.name, placement.pool, placement.gpu_type, placement.capacity_type.value],
        "settings": asdict(placement.engine),
    }


def _failure_policy() -> Body:
    """Return the rules in order: interruptions do not count, bad input is final, all else counts to `backoffLimit`."""
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {
                "action": "FailJob",
                "onExitCodes": {"containerName": WORKER_CONTAINER, "operator": "In", "values": [BAD_INPUT]},
            },
        ]
    }


def _engine(demand: Demand, placement: Placement, pool: Pool, startup_seconds: int) -> Body:
    """Return the engine as native sidecar: an init container that keeps running (stable since Kubernetes 1.33)."""
    container = engine_container(demand, placement, pool, startup_seconds)
    return {**container, "restartPolicy": "Always", "livenessProbe": liveness_probe()}


def _volumes(demand: Demand, placement: Placement, pool: Pool, places: Places) -> list[Body]:
    memory = shared_memory_mib(pool, placement.tensor_parallel_size, with_worker=True)
    work: Body = {"name": "batch-work", "emptyDir": {}}
    return [*engine_volumes(demand, memory), *places.volumes, work]


def _worker(demand: Demand, placement: Placement, places: Places, image: str) -> Body:
    timing = shutdown(demand.spec.workload.workload_class, placement.capacity_type)
    keyed = demand.spec.engine.api_key_secret_ref is not None
    args = (
        f"--engine-url=http://127.0.0.1:{ENGINE_PORT}",
        f"--model={served_model_name(demand)}",
        *places.args,
        f"--work-directory={BATCH_WORK_PATH}",
        f"--metrics-port={WORKER_METRICS_PORT}",
        f"--concurrency={IN_FLIGHT_PER_SEQUENCE * placement.engine.max_num_seqs}",
        f"--drain-seconds={timing.grace - timing.drain - END_SECONDS}",
        *((f"--api-key-env={API_KEY_VARIABLE}",) if keyed else ()),
    )
    return {
        "name": WORKER_CONTAINER,
        "image": image,
        "command": ["inferfleet", "batch-worker"],
        "args": list(args),
        "env": [{"name": "HOME", "value": BATCH_WORK_PATH}, *places.env, *api_key(demand)],
        "ports": [{"name": "metrics", "containerPort": WORKER_METRICS_PORT, "protocol": "TCP"}],
        "resources": worker_resources(),
        "volumeMounts": [*places.mounts, {"name": "batch-work", "mountPath": BATCH_WORK_PATH}],
        "securityContext": container_security(read_only_root=True),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
