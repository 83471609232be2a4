"""What simulated pods do: become ready, load slowly, run out of GPU memory, fail to pull, complete.

In: a behaviour, and which InferenceDeployment's pods it is for. Out: KWOK stages in the cluster, in force when `behave`
begins its block. Pods are chosen by namespace and by the label that the operator puts on everything it makes, so the
operator needs no help for tests.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.controlplane import podstatus
from tests.controlplane.cluster import Cluster
from tests.controlplane.objects import Manifest
from tests.controlplane.podstatus import LOADING, RUNNING, ContainerState, pod_status
from tests.controlplane.waiting import eventually

STAGE_VERSION = "kwok.x-k8s.io/v1alpha1"
DEPLOYMENT_LABEL = "inferfleet.dev/deployment"
CUDA_OUT_OF_MEMORY = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 44.30 GiB "
    "of which 1.21 GiB is free."
)
_SEEN = "test.inferfleet.dev/seen"

Expression = dict[str, Any]

_ALIVE: Expression = {"jq": {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}}
_NEW: Expression = {"jq": {"key": ".status.startTime", "operator": "DoesNotExist"}}


def _is(path: str, value: str) -> Expression:
    return {"jq": {"key": path, "operator": "In", "values": [value]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of a pod: which pods take it, after how many seconds, and their status then."""

    when: tuple[Expression, ...]
    status: str
    after_seconds: float = 0.0


Behaviour = tuple[Step, ...]

_STARTED = (_ALIVE, _is(".status.phase", "Running"))
_LOADING = (*_STARTED, _is('.status.conditions.[] | select(.type == "Ready") | .status', "False"))
_READY = (*_STARTED, _is('.status.conditions.[] | select(.type == "Ready") | .status', "True"))
_OF_JOB = _is(".metadata.ownerReferences.[].kind", "Job")

BECOME_READY: Behaviour = (Step(when=(_ALIVE, _NEW), status=pod_status(engine=RUNNING)),)
"""What every pod does unless a behaviour says otherwise."""


def slow_start(seconds: float) -> Behaviour:
    """Run at once and answer probes only after `seconds`, like an engine that loads a model."""
    return (
        Step(when=(_ALIVE, _NEW), status=pod_status(engine=LOADING, others=RUNNING)),
        Step(when=_LOADING, status=pod_status(engine=RUNNING), after_seconds=seconds),
    )


def never_ready() -> Behaviour:
    """Run and never answer a probe."""
    return (Step(when=(_ALIVE, _NEW), status=pod_status(engine=LOADING, others=RUNNING)),)


def crash_loop(*, exit_code: int = 1, message: str = "", reason: str = "Error") -> Behaviour:
    """End the engine with a termination message and wait in CrashLoopBackOff."""
    crashed = podstatus.crash_looping(exit_code, reason=reason, message=message)
    return (Step(when=(_ALIVE, _NEW), status=pod_status(engine=crashed, others=RUNNING)),)


def cuda_out_of_memory(message: str = CUDA_OUT_OF_MEMORY) -> Behaviour:
    """End the engine as vLLM does when the GPU is too small: exit code 1 and torch's message."""
    return crash_loop(message=message)


def host_out_of_memory() -> Behaviour:
    """End the engine as the kernel does when the container's memory limit is too small."""
    return crash_loop(exit_code=137, reason="OOMKilled")


def image_pull_failure(message: str = "manifest unknown", *, reason: str = "ErrImagePull") -> Behaviour:
    """Fail to pull the engine's image."""
    failing = podstatus.waiting(reason, message)
    return (Step(when=(_ALIVE, _NEW), status=pod_status(engine=failing, phase="Pending")),)


def complete(after_seconds: float = 0.0) -> Behaviour:
    """Become ready, and for pods of Jobs: succeed after `after_seconds`."""
    return (*BECOME_READY, _ending(podstatus.terminated(0), "Succeeded", after_seconds))


def fail(*, exit_code: int, message: str = "", after_seconds: float = 0.0) -> Behaviour:
    """Become ready, and for pods of Jobs: fail with an exit code after `after_seconds`."""
    ended = podstatus.terminated(exit_code, message=message)
    return (*BECOME_READY, _ending(ended, "Failed", after_seconds))


def _ending(state: ContainerState, phase: str, after_seconds: float) -> Step:
    status = pod_status(engine=podstatus.terminated(0), others=state, phase=phase)
    return Step(when=(*_READY, _OF_JOB), status=status, after_seconds=after_seconds)


def stage(name: str, step: Step, *, weight: int, when: tuple[Expression, ...] = ()) -> Manifest:
    """Return the Stage object of a step. KWOK takes a stage of weight 0 only where no other matches."""
    return {
        "apiVersion": STAGE_VERSION,
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "weight": weight,
            "selector": {"matchExpressions": [*step.when, *when]},
            "delay": {"durationMilliseconds": int(step.after_seconds * 1000)},
            "steps": [{"patch": {"subresource": "status", "root": "status", "template": step.status}}],
        },
    }


@contextlib.contextmanager
def behave(
    cluster: Cluster, behaviour: Behaviour, *, namespace: str | None = None, deployment: str | None = None
) -> Iterator[None]:
    """Make the pods of one InferenceDeployment (or of a namespace, or all) behave so while the block runs.

    Pods that have begun under a behaviour keep what they became when it ends.
    """
    when = []
    if namespace:
        when.append(_is(".metadata.namespace", namespace))
    if deployment:
        when.append(_is(f'.metadata.labels["{DEPLOYMENT_LABEL}"]', deployment))
    token = secrets.token_hex(4)
    names = [f"behaviour-{token}-{index}" for index in range(len(behaviour))]
    weight = 1 + 10 * len(when)
    try:
        for name, step in zip(names, behaviour, strict=True):
            cluster.objects.create(stage(name, step, weight=weight, when=tuple(when)))
        _wait_until_seen(cluster, names[-1])
        yield
    finally:
        for name in names:
            cluster.objects.delete(STAGE_VERSION, "Stage", name)


def _wait_until_seen(cluster: Cluster, name: str) -> None:
    """Wait until KWOK obeys a stage that was just created.

    KWOK hears of stages in the order in which they were created. So a further stage, whose only effect is to mark the
    first one as seen, is in force no sooner than that one. It is touched until KWOK looks at it.
    """
    step = {"patch": {"root": "metadata", "template": f'annotations: {{{_SEEN}: "true"}}'}}
    marker = f"{name}-seen"
    selector = {"matchExpressions": [_is(".metadata.name", name), _is(".kind", "Stage")]}
    reference = {"apiGroup": STAGE_VERSION, "kind": "Stage"}
    spec = {"resourceRef": reference, "selector": selector, "steps": [step]}
    cluster.objects.create({"apiVersion": STAGE_VERSION, "kind": "Stage", "metadata": {"name": marker}, "spec": spec})
    touches = itertools.count()

    def seen() -> bool:
        touch = {"test.inferfleet.dev/touch": str(next(touches))}
        touched = cluster.objects.patch(STAGE_VERSION, "Stage", name, patch={"metadata": {"annotations": touch}})
        return _SEEN in touched["metadata"]["annotations"]

    try:
        eventually(seen, 30, interval=0.05, describe=f"KWOK has seen stage {name}")
    finally:
        cluster.objects.delete(STAGE_VERSION, "Stage", marker)
