"""The holding of every InferenceDeployment: the placements that its status admitted, and the GPUs that its pods occupy.

In: deployments with their stored status, their children and pods, pool prices, namespace labels. Out: `Holding`
values by UID. Status is the record of admission (it is written before anything is created); it is believed because
only the operator may write it. Must not admit anything.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from inferfleet.api.conditions import find_condition
from inferfleet.api.enums import ReservePolicy, WorkloadClass
from inferfleet.api.reasons import ConditionType, ReadyReason
from inferfleet.api.v1alpha1 import InferenceDeploymentSpec, InferenceDeploymentStatus, PlacementStatus
from inferfleet.api.v1alpha1.inference_deployment_status import HistoryStatus
from inferfleet.api.v1alpha1.workload import Workload
from inferfleet.domain.demand import Bound, Holding, Pods
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import Price
from inferfleet.domain.history import NO_HISTORY, BackOff, History
from inferfleet.domain.keys import Key
from inferfleet.domain.money import HOURS_PER_MONTH, ZERO, Total
from inferfleet.domain.observed import Child, LabelSet, PodFacts
from inferfleet.domain.placement import Placement
from inferfleet.engine import DEFAULT_VERSION
from inferfleet.observe.engine_arguments import engine_settings
from inferfleet.observe.objects import InferenceDeploymentObject

PriceOf = Callable[[str], Price | None]
"""The present price of a pool by its name, None without one."""
# What `Ready` says of a batch that is over; it stays over when somebody deletes the Job.
_BATCH_OVER = (ReadyReason.COMPLETED, ReadyReason.FAILED, ReadyReason.DEADLINE_EXCEEDED)


def holding_of(
    item: InferenceDeploymentObject,
    *,
    children: Iterable[Child],
    pods: Iterable[PodFacts],
    price_of: PriceOf,
    namespace_labels: LabelSet,
) -> Holding | None:
    """Return the holding of a deployment, None when nothing was admitted and no pod of it occupies a GPU."""
    status = item.read_status()
    spec = item.spec
    pods = tuple(pods)
    bound = bound_gpus(pods)
    history = _history(status.history)
    if not (status.placements or bound or history != NO_HISTORY):
        return None
    # A spec that cannot be read any more still pays: as real-time work of the default category.
    workload = spec.workload if spec else Workload(workload_class=WorkloadClass.REAL_TIME)
    version = (spec.engine.version if spec else None) or DEFAULT_VERSION
    # A Job of a namesake that was deleted says nothing of this one.
    mine = (child for child in children if child.owner == item.uid)
    by_name = {child.name: child for child in mine if child.has_pods}
    placements = tuple(_placement(row, version, status, by_name.get(row.name), price_of) for row in status.placements)
    total = status.cost.usd_total if status.cost else None
    return Holding(
        uid=item.uid,
        namespace=item.namespace,
        name=item.name,
        workload_class=workload.workload_class,
        category=status.category or workload.category,
        priority=workload.priority,
        namespace_labels=tuple(sorted(namespace_labels)),
        placements=placements,
        bound=bound,
        forecast=None if total is None else Total(total),
        pods=tuple(pods_of_placement(row.name, row.replicas, pods, by_name.get(row.name)) for row in placements),
        history=history,
        generation=_planned_generation(status),
        done=_done(status),
        finished=any(child.ended for child in by_name.values()) or (not by_name and _was_over(item, status, workload)),
        # A spec that is not admitted yet reserves nothing, or it would admit itself.
        reserved_replicas=reserved_replicas(spec) if spec and _planned_generation(status) == item.generation else 0,
    )


def reserved_replicas(spec: InferenceDeploymentSpec) -> int:
    """Return the replicas that the ledger reserves whatever runs (`reserve: Max`), 0 where it reserves what runs."""
    return (spec.scaling.max_replicas or 0) if spec.scaling.reserve is ReservePolicy.MAX else 0


def pods_of_placement(name: str, replicas: int, pods: Iterable[PodFacts], child: Child | None) -> Pods:
    """Count the pods of one placement by how far they got; pods that are leaving do not count.

    Ready are those that the Deployment counts too: what it replaces must not leave before `Available` counts them.
    Pods that a quota or an admission policy refuses are stuck, like those that wait for a volume.
    """
    mine = [pod for pod in pods if pod.placement == name and not pod.deleting and not pod.over]
    waiting = [pod.unscheduled_since for pod in mine if pod.unscheduled and not pod.stuck]
    stuck = [(pod.unscheduled_since, pod.unscheduled) for pod in mine if pod.unscheduled and pod.stuck]
    refusal = child.refusal if child is not None else None
    if refusal is not None and len(mine) < replicas:
        stuck.append((refusal.since, refusal.message))
    first = min(((since, words) for since, words in stuck if since is not None), default=None)
    ready = sum(pod.ready for pod in mine)
    return Pods(
        placement=name,
        ready=min(ready, child.ready_replicas) if child and child.kind == "Deployment" else ready,
        scheduled=sum(bool(pod.node) for pod in mine),
        unscheduled=len(waiting),
        unscheduled_since=min((since for since in waiting if since is not None), default=None),
        stuck_since=first[0] if first else None,
        stuck=first[1] if first else "",
    )


def _history(stored: HistoryStatus | None) -> History:
    if stored is None:
        return NO_HISTORY
    back_offs = (BackOff(pool=row.pool, until=row.until, failures=row.failures) for row in stored.back_offs)
    return History(
        moved_at=stored.moved_at,
        fewer_since=stored.fewer_replicas_since,
        back_offs=tuple(sorted(back_offs, key=lambda item: item.pool)),
    )


def _planned_generation(status: InferenceDeploymentStatus) -> int | None:
    """The generation that the placements were planned for, None when the newest one was refused."""
    planned = find_condition(status.conditions, ConditionType.PLANNED)
    return planned.observed_generation if planned is not None and planned.status == "True" else None


def _done(status: InferenceDeploymentStatus) -> float:
    batch = status.batch
    return min(1.0, batch.done / batch.total) if batch and batch.total else 0.0


def _was_over(item: InferenceDeploymentObject, status: InferenceDeploymentStatus, workload: Workload) -> bool:
    """Whether the stored status says that a batch that was placed is over."""
    if workload.workload_class is not WorkloadClass.BATCH or not status.placements:
        return False
    # A batch that was edited after its end: better not run again than paid for twice.
    edited = item.ready_reason == ReadyReason.INVALID_SPEC and _planned_generation(status) is None
    return edited or item.ready_reason in _BATCH_OVER


def bound_gpus(pods: Iterable[PodFacts]) -> tuple[Bound, ...]:
    """Return the GPUs that pods occupy, per node, sorted by node.

    A pod of ours asks for one kind of GPU. Other devices are put into pods by admission webhooks (network interfaces,
    mostly one per pod) and must not be taken for GPUs, so the largest request counts and not the sum.
    """
    counts: dict[str, int] = {}
    for pod in pods:
        if pod.occupies_node:
            gpus = max((count for _, count in pod.requests), default=0)
            counts[pod.node] = counts.get(pod.node, 0) + gpus
    return tuple(Bound(node=node, gpus=gpus) for node, gpus in sorted(counts.items()) if gpus)


def left_behind(
    key: Key, former: Holding | None, *, pods: Iterable[PodFacts], namespace_labels: LabelSet
) -> Holding | None:
    """Return the holding of a deployment that is gone but for its pods, None when they are gone too.

    Money is free when the pods are gone, not when the object is. `former` is the holding before; where it is not known
    (after a restart), the pods count as real-time work of the default category.
    """
    bound = bound_gpus(pods)
    if not bound:
        return None
    workload = Workload(workload_class=WorkloadClass.REAL_TIME)
    return Holding(
        uid=f"pods of {key.namespace}/{key.name}",
        namespace=key.namespace,
        name=key.name,
        workload_class=former.workload_class if former else workload.workload_class,
        category=former.category if former else workload.category,
        priority=former.priority if former else workload.priority,
        namespace_labels=tuple(sorted(namespace_labels)),
        bound=bound,
        forecast=former.forecast if former else None,
    )


def _placement(
    row: PlacementStatus,
    version: str,
    status: InferenceDeploymentStatus,
    child: Child | None,
    price_of: PriceOf,
) -> Placement:
    price = price_of(row.pool) or _former_price(row, status)
    engine = engine_settings(child, version) if child else None
    return Placement(
        name=row.name,
        pool=row.pool,
        gpu_type=row.gpu_type,
        capacity_type=row.capacity_type,
        tensor_parallel_size=row.tensor_parallel_size,
        replicas=row.replicas,
        engine=engine or _unknown_engine(row, version),
        price=price,
        role=row.role,
    )


def _former_price(row: PlacementStatus, status: InferenceDeploymentStatus) -> Price:
    """Return the price that was charged last, for a pool that is gone or has no price: what runs is never free."""
    gpus = sum(item.replicas * item.tensor_parallel_size for item in status.placements)
    cost = status.cost
    hourly = cost.usd_per_hour if cost and cost.usd_per_hour is not None else None
    if hourly is None and cost and cost.usd_per_month is not None:
        hourly = cost.usd_per_month / HOURS_PER_MONTH
    return Price(
        capacity_type=row.capacity_type,
        usd_per_gpu_hour=hourly / gpus if hourly is not None and gpus else ZERO,
        source=(cost.price_source if cost else None) or "the price before",
        date=cost.price_date if cost else None,
    )


def _unknown_engine(row: PlacementStatus, version: str) -> EngineSettings:
    """Return settings that equal no plan, for a child that does not exist (yet): the plan then decides them anew."""
    return EngineSettings(
        version=version,
        tensor_parallel_size=row.tensor_parallel_size,
        max_model_len=0,
        max_num_seqs=0,
        max_num_batched_tokens=0,
        gpu_memory_utilization=0.0,
    )


def merged(observed: Mapping[str, Holding], assumed: Mapping[str, Holding]) -> dict[str, Holding]:
    """Return the observed holdings, replaced by those that were decided and are not stored in the cluster yet.

    Pods are always as observed.
    """
    result = dict(observed)
    for uid, holding in assumed.items():
        seen = observed.get(uid)
        result[uid] = replace(
            holding,
            bound=seen.bound if seen else (),
            pods=seen.pods if seen else (),
            done=seen.done if seen else 0.0,
            finished=seen.finished if seen else False,
        )
    return result
