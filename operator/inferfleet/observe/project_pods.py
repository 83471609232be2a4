"""The facts of raw Pod documents: what is counted (GPU requests) and what is reported (why a pod is not ready).

In: documents as the API server sends them. Out: frozen values, or None for pods that neither request extended
resources nor carry our label. Must not keep references into the document.
"""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from inferfleet.domain.children import DEPLOYMENT_LABEL, PLACEMENT_LABEL
from inferfleet.domain.observed import ContainerFacts, Counts, PodFacts
from inferfleet.domain.resources import Document
from inferfleet.observe.engine_arguments import engine_container
from inferfleet.observe.project_nodes import extended
from inferfleet.observe.scheduler_words import waits_for_a_node

# A termination message is at most 4096 bytes (k8s.io/api/core/v1, Container.terminationMessagePath).
_MESSAGE = 4096


def pod_facts(document: Document) -> PodFacts | None:
    """Return the facts of a pod, None when it does not concern GPUs or us."""
    metadata, spec, status = document["metadata"], document.get("spec") or {}, document.get("status") or {}
    labels = metadata.get("labels") or {}
    deployment = labels.get(DEPLOYMENT_LABEL) or ""
    requests = pod_requests(spec)
    if not requests and not deployment:
        return None
    owner: Document = next((item for item in metadata.get("ownerReferences") or () if item.get("controller")), {})
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled") or {}
    stuck = scheduled.get("status") == "False"
    return PodFacts(
        uid=metadata.get("uid") or "",
        namespace=sys.intern(metadata.get("namespace") or ""),
        name=metadata["name"],
        node=sys.intern(spec.get("nodeName") or ""),
        requests=requests,
        deployment=sys.intern(deployment),
        owner=owner.get("uid") or "",
        owner_name=owner.get("name") or "",
        phase=sys.intern(status.get("phase") or "Pending"),
        ready=(conditions.get("Ready") or {}).get("status") == "True",
        deleting=metadata.get("deletionTimestamp") is not None,
        unscheduled=(scheduled.get("message") or scheduled.get("reason") or "") if stuck else "",
        unscheduled_since=time_of(scheduled.get("lastTransitionTime")) if stuck else None,
        stuck=stuck and not waits_for_a_node(scheduled.get("reason") or "", scheduled.get("message") or ""),
        containers=_containers(status) if deployment else (),
        placement=sys.intern(labels.get(PLACEMENT_LABEL) or ""),
        address=(status.get("podIP") or "") if deployment else "",
        engine=engine_container(spec) if deployment else None,
    )


def charged_to(known: PodFacts | None, pod: PodFacts | None) -> PodFacts | None:
    """Return a pod with the deployment that pays for it: the one whose label it carried when it was seen first.

    A pod that loses its label goes on running and its ReplicaSet makes another: both are paid for until they are gone.
    It is no pod of a placement any more, so only its GPUs count.
    """
    if pod is None or known is None or known.uid != pod.uid or known.deployment in ("", pod.deployment):
        return pod
    return replace(pod, deployment=known.deployment, placement="", address="", engine=None, containers=())


def pod_requests(spec: Document) -> Counts:
    """Return what the scheduler charges a pod for, per extended resource.

    max(sum of containers and sidecars, each initial container beside the sidecars started before it), as the scheduler
    computes it (k8s.io/component-helpers/resource, PodRequests).
    """
    running: Counter[str] = Counter()
    peak: Counter[str] = Counter()
    for container in spec.get("initContainers") or ():
        wanted = Counter(dict(_requests(container)))
        if container.get("restartPolicy") == "Always":
            running += wanted
            peak |= running
        else:
            peak |= running + wanted
    for container in spec.get("containers") or ():
        running += Counter(dict(_requests(container)))
    return tuple(sorted((running | peak).items()))


def _requests(container: Document) -> Counts:
    """Return requests; a limit alone counts as one, because extended resources cannot be overcommitted."""
    resources = container.get("resources") or {}
    return extended((resources.get("limits") or {}) | (resources.get("requests") or {}))


def _containers(status: Document) -> tuple[ContainerFacts, ...]:
    """Return the states of sidecars and containers."""
    found: Iterable[Document] = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    return tuple(_container(item) for item in found)


def _container(item: Document) -> ContainerFacts:
    state, last = item.get("state") or {}, (item.get("lastState") or {}).get("terminated") or {}
    waiting, terminated = state.get("waiting") or {}, state.get("terminated") or {}
    return ContainerFacts(
        name=sys.intern(item["name"]),
        ready=bool(item.get("ready")),
        restarts=item.get("restartCount") or 0,
        waiting=sys.intern(waiting.get("reason") or ""),
        terminated=sys.intern(terminated.get("reason") or ""),
        message=(waiting.get("message") or terminated.get("message") or "")[:_MESSAGE],
        last_terminated=sys.intern(last.get("reason") or ""),
        last_message=(last.get("message") or "")[:_MESSAGE],
        exit_code=terminated.get("exitCode", last.get("exitCode")),
    )


def time_of(text: object) -> datetime | None:
    """Return a time that Kubernetes wrote, None without one; a YAML loader may have made it a time already."""
    return datetime.fromisoformat(str(text)) if text else None
