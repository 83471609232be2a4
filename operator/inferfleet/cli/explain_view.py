"""An explanation as values and as a story: the decision now, what runs, and what status says.

In: an `Explanation`. Out: plain values and rich renderables. Nothing is decided here.
"""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from inferfleet.api.conditions import Condition
from inferfleet.api.reasons import ReadyReason
from inferfleet.api.v1alpha1.inference_deployment_status import MeasuredMemory
from inferfleet.cli import plan_view
from inferfleet.cli.explaining import Explanation
from inferfleet.domain.observed import Child, PodFacts

MEASURED_TERMS = (
    ("weights", "weights_gib"),
    ("activation peak", "activation_gib"),
    ("non-torch", "non_torch_gib"),
    ("CUDA graphs", "cuda_graph_gib"),
    ("KV cache", "kv_cache_gib"),
    ("usable", "usable_gib"),
)


def values_of(found: Explanation) -> dict[str, object]:
    """Return the explanation for JSON and YAML: the keys of a plan, `conditions`, and `running`."""
    return {
        **_decided(found),
        "generation": found.item.generation,
        "observedGeneration": found.status.observed_generation,
        "conditions": [condition.model_dump(mode="json", by_alias=True) for condition in found.status.conditions],
        "running": {
            "replicas": found.status.replicas,
            "readyReplicas": found.status.ready_replicas,
            "placements": [row.model_dump(mode="json", by_alias=True) for row in found.status.placements],
            "children": [_child(child) for child in found.children],
            "pods": [_pod(pod) for pod in found.pods],
        },
    }


def _decided(found: Explanation) -> dict[str, object]:
    if found.plan is not None:
        ready = {child.name: child.ready_replicas for child in found.children if child.has_pods}
        values, measured = plan_view.values_of(found.plan, ready=ready), _measured(found)
        if isinstance(values["memory"], dict) and measured is not None:
            values["memory"] = {**values["memory"], "measured": measured.model_dump(mode="json", by_alias=True)}
        return values
    return {
        "namespace": found.item.namespace,
        "name": found.item.name,
        "ready": False,
        "reason": ReadyReason.INVALID_SPEC.value,
        "message": found.problem,
    }


def _measured(found: Explanation) -> MeasuredMemory | None:
    """Return what the running engine said of its memory, as the operator recorded it."""
    return found.status.memory.measured if found.status.memory else None


def _child(child: Child) -> dict[str, Any]:
    return {
        "kind": child.kind,
        "name": child.name,
        "replicas": child.replicas,
        "readyReplicas": child.ready_replicas,
        "active": child.active,
        "succeeded": child.succeeded,
        "failed": child.failed,
    }


def _pod(pod: PodFacts) -> dict[str, Any]:
    return {
        "name": pod.name,
        "node": pod.node or None,
        "phase": pod.phase,
        "ready": pod.ready,
        "message": _trouble(pod),
    }


def _trouble(pod: PodFacts) -> str:
    """Say what keeps a pod from running: the scheduler's word, else what its containers wait for or why they ended."""
    if pod.unscheduled:
        return pod.unscheduled
    said = [
        f"{container.name}: {container.waiting or container.terminated} {container.message}".strip()
        for container in pod.containers
        if container.waiting or (container.terminated and container.exit_code)
    ]
    return "; ".join(said)


def table_of(found: Explanation) -> RenderableType:
    """Return what a person reads."""
    if found.plan is not None:
        decided: RenderableType = plan_view.story_of(found.plan)
    else:
        decided = Text(f"{found.item.namespace}/{found.item.name}  InvalidSpec  {found.problem}", style="red")
    return Group(decided, Text(), *_running(found), *_beside(found), Text(), *_conditions(found))


def _beside(found: Explanation) -> list[RenderableType]:
    """Return predicted and measured memory side by side, as far as the engine said anything."""
    predicted, measured = found.status.memory, _measured(found)
    if predicted is None or measured is None:
        return []
    table = Table(box=None, pad_edge=False)
    table.add_column("memory per GPU, GiB")
    table.add_column("predicted", justify="right")
    table.add_column("measured", justify="right")
    for label, name in MEASURED_TERMS:
        value = getattr(measured, name)
        table.add_row(label, str(getattr(predicted, name)), "not said" if value is None else str(value))
    return [Text(), table]


def _running(found: Explanation) -> list[RenderableType]:
    if not found.pods and not found.children:
        return [Text("Nothing runs.", style="bold")]
    ready = sum(pod.ready for pod in found.pods)
    head = Text(f"What runs: {ready} of {len(found.pods)} pods ready", style="bold")
    table = Table(box=None, pad_edge=False)
    for name in ("object", "node", "state", "message"):
        table.add_column(name, overflow="fold")
    for child in found.children:
        table.add_row(f"{child.kind} {child.name}", "", _counts(child), "")
    for pod in found.pods:
        table.add_row(f"Pod {pod.name}", pod.node, f"{pod.phase}{', ready' if pod.ready else ''}", _trouble(pod))
    return [head, table]


def _counts(child: Child) -> str:
    match child.kind:
        case "Deployment":
            return f"{child.ready_replicas} of {child.replicas} ready"
        case "Job":
            return f"{child.active} active, {child.succeeded} succeeded, {child.failed} failed"
        case _:
            return ""


def _conditions(found: Explanation) -> list[RenderableType]:
    if not found.status.conditions:
        return [Text("The operator has written no status yet.", style="yellow")]
    behind = found.status.observed_generation != found.item.generation
    head = "Status" + (f" (of generation {found.status.observed_generation}, now {found.item.generation})" * behind)
    table = Table(box=None, pad_edge=False)
    for name in ("condition", "status", "reason", "since", "message"):
        table.add_column(name, overflow="fold")
    for condition in found.status.conditions:
        table.add_row(*_condition(condition))
    return [Text(head, style="bold"), table]


def _condition(condition: Condition) -> tuple[str, ...]:
    since = condition.last_transition_time
    return (
        condition.type,
        condition.status.value,
        condition.reason,
        "" if since is None else f"{since:%Y-%m-%d %H:%M:%SZ}",
        condition.message,
    )
