"""Why pods are not ready, in one reason with a remedy.

In: the facts of a deployment's pods, and which pools may still add nodes. Out: a reason of `Ready` with a message, or
None while everything may simply need time. Must not name other tenants or nodes, and must not look at a clock (the
time is an argument).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from inferfleet.api.reasons import ReadyReason
from inferfleet.domain.children import ENGINE_CONTAINER
from inferfleet.domain.observed import Child, ContainerFacts, PodFacts

# The scheduler's first failure often only means that it has not heard of something yet.
UNSCHEDULED_GRACE = timedelta(seconds=15)
# A Deployment says at once that a pod was refused; a Job without one may only be new.
_CREATION_GRACE = {"Deployment": timedelta(0), "Job": UNSCHEDULED_GRACE}
# Waiting reasons of the kubelet (k8s.io/kubernetes/pkg/kubelet/images/types.go).
_IMAGE = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ImageInspectError",
        "ErrImageNeverPull",
        "RegistryUnavailable",
    }
)
# Waiting reasons that only mean "not yet".
_NOT_YET = frozenset({"", "ContainerCreating", "PodInitializing"})
# What PyTorch and vLLM print when the GPU's memory does not suffice (torch/cuda OutOfMemoryError;
# vllm/v1/core/kv_cache_utils.py and vllm/v1/worker/utils.py, 0.32).
_OUT_OF_MEMORY = re.compile(
    r"CUDA out of memory|CUDA error: out of memory|HIP out of memory|OutOfMemoryError"
    r"|No available memory for the cache blocks|larger than the available KV cache memory"
    r"|larger than the maximum number of tokens that can be stored in KV cache"
    r"|is less than desired GPU memory utilization",
    re.IGNORECASE,
)
_LONGEST_QUOTE = 400
# Pods that one message names.
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A reason of `Ready` and its message."""

    reason: ReadyReason
    message: str


def pod_trouble(pods: Iterable[PodFacts], *, may_grow: bool, now: datetime) -> Trouble | None:
    """Return the most telling trouble of pods that are not ready, None when there is none.

    `may_grow`: the placement's pool may still add nodes, so a pod without a node waits for one. The engine's message
    goes before the kubelet's, and that before the scheduler's.
    """
    unready = [pod for pod in pods if not pod.ready and not pod.deleting and pod.phase != "Succeeded"]
    for pod in unready:
        for container in pod.containers:
            if out_of_memory(container):
                return Trouble(
                    reason=ReadyReason.ENGINE_OUT_OF_MEMORY,
                    message=f"pod {pod.name}: {_quote(_words(container), _OUT_OF_MEMORY)}",
                )
    return _first(_container_troubles(unready)) or _first(_unscheduled(unready, may_grow=may_grow, now=now))


def refused_pods(workloads: Iterable[Child], now: datetime) -> Trouble | None:
    """Return why a workload's pods are not created: a quota, a LimitRange, an admission policy. None when they are."""
    for child in workloads:
        refusal = child.refusal
        if refusal is None or (refusal.since is not None and now - refusal.since < _CREATION_GRACE[child.kind]):
            continue
        return Trouble(
            reason=ReadyReason.PODS_FAILING,
            message=f"{child.kind} {child.name}: pods cannot be created: {refusal.message[:_LONGEST_QUOTE]}",
        )
    return None


def stuck_pods(workloads: Iterable[Child], pods: Iterable[PodFacts]) -> Trouble | None:
    """Return why a Deployment that passed its progress deadline makes no progress, None when none did."""
    waiting = tuple(pods)
    for child in workloads:
        progress = child.condition("Progressing")
        if progress is None or progress.status != "False" or progress.reason != "ProgressDeadlineExceeded":
            continue
        mine = [pod for pod in waiting if pod.placement == child.name and not pod.ready and not pod.deleting]
        words = "; ".join(_waits(pod) for pod in mine[:_SHOWN]) or progress.message
        return Trouble(
            reason=ReadyReason.PODS_FAILING,
            message=f"{child.kind} {child.name} makes no progress: {_short(words)}",
        )
    return None


def _waits(pod: PodFacts) -> str:
    """Return what each container that is not ready waits for."""
    states = [
        f"container {item.name} {item.waiting or 'is running and not ready'}"
        + (f": {_short(item.message)}" if item.message else "")
        for item in pod.containers
        if not item.ready and not item.terminated
    ]
    return f"pod {pod.name}: {', '.join(states) or pod.unscheduled or pod.phase}"


def out_of_memory(container: ContainerFacts) -> bool:
    """Return whether the engine ran out of GPU memory."""
    ended = bool(container.terminated or container.last_terminated)
    return ended and _OUT_OF_MEMORY.search(_words(container)) is not None


def still_unscheduled(pods: Iterable[PodFacts]) -> bool:
    """Return whether a pod waits for a node, which is looked at again after the grace period."""
    return any(pod.unscheduled and not pod.deleting for pod in pods)


def _container_troubles(pods: Iterable[PodFacts]) -> Iterable[Trouble]:
    failing = []
    for pod in pods:
        for container in pod.containers:
            if container.waiting in _IMAGE:
                words = f"{container.waiting}: {_short(container.message)}" if container.message else container.waiting
                yield Trouble(reason=ReadyReason.IMAGE_PULL_FAILED, message=f"pod {pod.name}: {words}")
            elif _failed(container):
                failing.append((pod, container))
    for pod, container in failing:
        yield Trouble(reason=ReadyReason.PODS_FAILING, message=_failure(pod, container))


def _failed(container: ContainerFacts) -> bool:
    """Whether a container does not come up.

    An engine that ended was stopped, also with exit code 0: it never ends by itself, and a failing probe sends SIGTERM.
    """
    if container.waiting not in _NOT_YET:
        return True
    ended = container.terminated or container.last_terminated
    if not ended or container.ready:
        return False
    return ended != "Completed" or (container.name == ENGINE_CONTAINER and container.restarts > 0)


def _failure(pod: PodFacts, container: ContainerFacts) -> str:
    ended = container.terminated or container.last_terminated
    how = ", ".join(
        part
        for part in (
            container.waiting,
            ended and f"ended with {ended}",
            "" if container.exit_code is None else f"exit code {container.exit_code}",
            f"{container.restarts} restarts" if container.restarts else "",
        )
        if part
    )
    words = _short(_words(container))
    return f"pod {pod.name}, container {container.name}: {how}" + (f": {words}" if words else "")


def _unscheduled(pods: Iterable[PodFacts], *, may_grow: bool, now: datetime) -> Iterable[Trouble]:
    for pod in pods:
        if not pod.unscheduled or (pod.unscheduled_since and now - pod.unscheduled_since < UNSCHEDULED_GRACE):
            continue
        if may_grow and not pod.stuck:
            message = f"waiting for the pool to add a node; pod {pod.name}: {_short(pod.unscheduled)}"
            yield Trouble(reason=ReadyReason.PROGRESSING, message=message)
        else:
            yield Trouble(reason=ReadyReason.UNSCHEDULABLE, message=f"pod {pod.name}: {_short(pod.unscheduled)}")


def _first(troubles: Iterable[Trouble]) -> Trouble | None:
    return next(iter(troubles), None)


def _words(container: ContainerFacts) -> str:
    return container.message if container.terminated else container.last_message or container.message


def _quote(text: str, pattern: re.Pattern[str]) -> str:
    """Return the line that matches, shortened."""
    line = next((line for line in text.splitlines() if pattern.search(line)), text)
    return _short(line)


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST_QUOTE else f"{flat[:_LONGEST_QUOTE]}..."
