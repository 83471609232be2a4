"""When a pod counts as started, ready and alive, and how long it may take to end.

In: bytes to load, the capacity type. Out: probe bodies and seconds. `/health` needs no API key and only says that the
engine process has not ended (vLLM `vllm/entrypoints/openai/api_server.py`), so liveness is patient: a saturated engine
answers late, and a restart costs minutes of model load.
"""

from dataclasses import dataclass

from inferfleet.api.enums import CapacityType, WorkloadClass
from inferfleet.render.manifest import Body
from inferfleet.render.names import HTTP_PORT_NAME

# Weights arrive at least this fast: a 1 Gbit/s link, less a fifth for protocol and neighbours.
LOAD_BYTES_PER_SECOND = 100_000_000
# Compilation, CUDA graph capture and warm-up after the weights are there: minutes in vLLM's own start-up logs.
COMPILE_SECONDS = 300
STARTUP_STEP_SECONDS = 600
STARTUP_CAP_SECONDS = 4 * 3600
# When nobody knows the size: long enough for 150 GB by the rule above.
STARTUP_UNKNOWN_SECONDS = 1800
PROBE_PERIOD_SECONDS = 10
# Beyond the engine's own start: node provisioning and the pull of an image of some 10 GB.
PROVISIONING_SECONDS = 1800


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown:
    """Seconds of an orderly end: the endpoint leaves the Service, requests finish, the process exits, in this order.

    `grace` is larger than the sum of the other two.
    """

    pre_stop: int
    drain: int
    grace: int


# Long generations finish: cluster-facts of Kubernetes and vLLM deployment guides name 120 to 600 s for on-demand pods.
_UNHURRIED = Shutdown(pre_stop=10, drain=120, grace=150)
# Google gives pods 25 s of its 30 s notice ("Graceful node shutdown" in GKE's documentation); Azure 30 s; AWS 120 s.
_SPOT = Shutdown(pre_stop=5, drain=15, grace=25)
# The engine of a batch pod outlives its worker (sidecars end last), so nothing is in flight when it is told to stop.
_BATCH = Shutdown(pre_stop=0, drain=5, grace=60)
_BATCH_SPOT = Shutdown(pre_stop=0, drain=5, grace=25)


def startup_seconds(load_bytes: int | None) -> int:
    """Return how long an engine may take from container start to its first `/health`, in seconds.

    seconds = bytes / 100 MB/s + 300 s, rounded up to 600 s steps so that a better guess of the bytes does not restart
    pods; at least 600 s, at most 4 h; 1800 s when the bytes are unknown.
    """
    if load_bytes is None:
        return STARTUP_UNKNOWN_SECONDS
    seconds = load_bytes // LOAD_BYTES_PER_SECOND + COMPILE_SECONDS
    return min(STARTUP_CAP_SECONDS, -(-seconds // STARTUP_STEP_SECONDS) * STARTUP_STEP_SECONDS)


def shutdown(workload_class: WorkloadClass, capacity_type: CapacityType) -> Shutdown:
    """Return the seconds of an orderly end; spot capacity is gone after 25 s whatever a pod asks for."""
    spot = capacity_type is CapacityType.SPOT
    if workload_class is WorkloadClass.BATCH:
        return _BATCH_SPOT if spot else _BATCH
    return _SPOT if spot else _UNHURRIED


def startup_probe(seconds: int) -> Body:
    """Return the start-up probe; the other two run once it has succeeded."""
    return _health(timeout=5, failures=seconds // PROBE_PERIOD_SECONDS)


def readiness_probe() -> Body:
    """Return the readiness probe: half a minute of silence takes a pod out of the Service."""
    return _health(timeout=5, failures=3)


def liveness_probe() -> Body:
    """Return the liveness probe: minutes of silence restart an engine.

    Saturated servers miss short timeouts (llm-d-benchmark PR 1734).
    """
    return _health(timeout=15, failures=10)


def _health(*, timeout: int, failures: int) -> Body:
    return {
        "httpGet": {"path": "/health", "port": HTTP_PORT_NAME},
        "periodSeconds": PROBE_PERIOD_SECONDS,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }
