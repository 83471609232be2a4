"""The status of an InferenceDeployment, and whether it is worth a write.

In: the stored status and an `Observation`. Out: the status to store. Pure, so a restart without changes gives the
stored status again. A decision's record is kept as it was written until the decision itself changes: candidates'
numbers move with every pod of anybody, and would otherwise rewrite every status.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from inferfleet.api.conditions import Condition, find_condition, timed
from inferfleet.api.enums import Category
from inferfleet.api.reasons import ConditionType, ReadyReason
from inferfleet.api.v1alpha1 import DecisionStatus, InferenceDeploymentStatus
from inferfleet.api.v1alpha1.inference_deployment_status import CostStatus, MemoryStatus
from inferfleet.domain.children import DEPLOYMENT_LABEL
from inferfleet.domain.money import ZERO
from inferfleet.report import decision_view
from inferfleet.report.batch_progress import batch_status
from inferfleet.report.conditions import conditions, is_batch
from inferfleet.report.observation import RESERVED_ONLY, Observation

# A refusal's numbers are refreshed at most this often.
_REFUSAL_REFRESH = timedelta(seconds=60)
_OF_THE_DECISION = (ConditionType.PLANNED, ConditionType.WITHIN_BUDGET)
_OF_THE_END = (ConditionType.AVAILABLE, ConditionType.READY, ConditionType.STALLED)
_WORDED_ONCE = (*_OF_THE_DECISION, ConditionType.ACCEPTED, ConditionType.CHEAPER_PLACEMENT, ConditionType.PRICE_FRESH)


def status(name: str, previous: InferenceDeploymentStatus, seen: Observation) -> InferenceDeploymentStatus:
    """Return the status to store for the deployment of this name."""
    now = seen.now.replace(microsecond=0)
    fresh = conditions(seen)
    if seen.decision.ended and seen.decision.blocked is None and not seen.workloads:
        fresh = _as_it_ended(previous, fresh)
    if seen.application == RESERVED_ONLY:
        fresh = _as_it_serves(previous, fresh)
    kept = _decision_stands(previous, seen, fresh)
    if kept:
        fresh = tuple(_as_before(previous, condition) for condition in fresh)
    decision = seen.decision
    running = bool(decision.placements)
    # Nothing was weighed, but something stands: a batch that has ended keeps the record of how it was placed.
    as_recorded = running and not decision.candidates
    return InferenceDeploymentStatus(
        observed_generation=seen.generation,
        conditions=tuple(timed(previous.conditions, condition, now) for condition in fresh),
        replicas=_existing(seen),
        ready_replicas=_ready(seen),
        recommended_replicas=decision.recommended_replicas,
        selector=f"{DEPLOYMENT_LABEL}={name}",
        placement=decision_view.placement_summary(decision),
        placements=decision_view.placement_rows(decision, _ready_by_name(seen)),
        cost=_cost(previous, seen) if seen.spec and not as_recorded else previous.cost,
        memory=_memory(seen) or (previous.memory if running else None),
        decision=previous.decision if kept or as_recorded else _record(seen, now),
        budgets=decision_view.budget_shares(decision),
        batch=batch_status(previous.batch, seen) if is_batch(seen) else None,
        history=decision_view.history_status(decision),
        category=_category(previous, seen),
    )


def _cost(previous: InferenceDeploymentStatus, seen: Observation) -> CostStatus | None:
    """Return what it costs; a batch that goes on while its new spec is refused keeps the total that was admitted."""
    if seen.spec is None:
        return previous.cost
    cost = decision_view.cost_status(seen.decision, seen.spec)
    admitted = previous.cost.usd_total if previous.cost else None
    if cost is None or cost.usd_total is not None or admitted is None or not is_batch(seen):
        return cost
    return cost.model_copy(update={"usd_total": admitted})


def _category(previous: InferenceDeploymentStatus, seen: Observation) -> Category | None:
    """Return the category that pays for what runs: that of the spec that was admitted last."""
    if not seen.decision.placements:
        return None
    if (
        seen.spec is None
        or seen.decision.ended
        or (seen.decision.blocked is not None and previous.category is not None)
    ):
        return previous.category
    return seen.spec.workload.category


def _memory(seen: Observation) -> MemoryStatus | None:
    """The estimate beside what engines say of the same setting: both stay visible, whichever the decision used."""
    calibrated = seen.calibrated
    if calibrated is None or calibrated.predicted is None:
        return decision_view.chosen_memory(seen.decision)
    return decision_view.memory_status(calibrated.predicted, calibrated.measured)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a status differs from the stored one: not at all, in counts and wording only, or in substance."""

    any: bool
    substance: bool


def change(previous: InferenceDeploymentStatus, new: InferenceDeploymentStatus) -> Change:
    """Compare two statuses; counts and wording may wait for the next write of substance or for a while."""
    if previous == new:
        return Change(any=False, substance=False)
    return Change(any=True, substance=_substance(previous) != _substance(new))


def _substance(item: InferenceDeploymentStatus) -> object:
    applied = find_condition(item.conditions, ConditionType.APPLIED)
    states = tuple(
        (condition.type, condition.status, condition.reason, condition.observed_generation)
        for condition in item.conditions
        if condition.type != ConditionType.APPLIED
    )
    rows = tuple(row.model_copy(update={"ready_replicas": 0}) for row in item.placements)
    failed = applied is not None and applied.status == "False"
    decided = (item.cost, item.budgets, item.decision, item.history)
    return (item.observed_generation, states, failed, rows, item.selector, decided)


def reserves(stored: InferenceDeploymentStatus, new: InferenceDeploymentStatus) -> bool:
    """Return whether the new status reserves more than the stored one; it must then be stored before it is used."""
    before = {(row.name, row.pool, row.tensor_parallel_size): row.replicas for row in stored.placements}
    if any(row.replicas > before.get((row.name, row.pool, row.tensor_parallel_size), -1) for row in new.placements):
        return True
    if _total(new) > _total(stored) or new.category != stored.category:
        return bool(new.placements)
    # Prices and policies change these too, without a new use of money; another spec may bring one.
    paid = {row.policy: row.reserved_usd_per_month for row in stored.budgets}
    more = any(row.reserved_usd_per_month > paid.get(row.policy, 0) for row in new.budgets)
    return more and new.observed_generation != stored.observed_generation


def _total(item: InferenceDeploymentStatus) -> Decimal:
    total = item.cost.usd_total if item.cost else None
    return ZERO if total is None else total


def _decision_stands(
    previous: InferenceDeploymentStatus, seen: Observation, conditions_now: tuple[Condition, ...]
) -> bool:
    """Whether the stored record still describes this decision."""
    if previous.decision is None or previous.observed_generation != seen.generation:
        return False
    planned = find_condition(previous.conditions, ConditionType.PLANNED)
    budget = find_condition(previous.conditions, ConditionType.WITHIN_BUDGET)
    fresh = {condition.type: condition for condition in conditions_now}
    same_answers = all(
        before is not None and (before.status, before.reason) == (fresh[kind].status, fresh[kind].reason)
        for before, kind in zip((planned, budget), _OF_THE_DECISION, strict=True)
    )
    rows = decision_view.placement_rows(seen.decision, {row.name: row.ready_replicas for row in previous.placements})
    same_place = rows == previous.placements and decision_view.budget_shares(seen.decision) == previous.budgets
    same_past = decision_view.history_status(seen.decision) == previous.history
    told = find_condition(previous.conditions, ConditionType.CHEAPER_PLACEMENT) is not None
    if not (same_answers and same_place and same_past and told == bool(seen.decision.cheaper)):
        return False
    if seen.decision.blocked is None:
        return True
    unchanged = decision_view.candidate_rows(seen.decision, most=decision_view.MOST_CANDIDATES) == (
        previous.decision.candidates
    )
    return unchanged or seen.now - previous.decision.decided_at < _REFUSAL_REFRESH


def _as_it_ended(previous: InferenceDeploymentStatus, fresh: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Return the conditions of a batch whose Job is gone: how it ended is known only from the stored ones."""
    generation = fresh[-1].observed_generation
    former = {str(kind): find_condition(previous.conditions, kind) for kind in _OF_THE_END}
    kept = [
        before.model_copy(update={"observed_generation": generation})
        for before in former.values()
        if before is not None
    ]
    return (*(condition for condition in fresh if former.get(condition.type) is None), *kept)


def _as_it_serves(previous: InferenceDeploymentStatus, fresh: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Keep what was said of a service, and of which generation, while a change of it is only reserved."""
    before = find_condition(previous.conditions, ConditionType.READY)
    available = find_condition(fresh, ConditionType.AVAILABLE)
    if before is None or before.reason != ReadyReason.SERVING or available is None or available.status != "True":
        return fresh
    undecided = (ReadyReason.SERVING, ReadyReason.PROGRESSING)
    return tuple(
        before if condition.type == ConditionType.READY and condition.reason in undecided else condition
        for condition in fresh
    )


def _as_before(previous: InferenceDeploymentStatus, condition: Condition) -> Condition:
    """Return the condition with the stored wording, where the decision that it words still stands."""
    before = find_condition(previous.conditions, condition.type)
    if before is None or (before.status, before.reason) != (condition.status, condition.reason):
        return condition
    worded_by_decision = condition.type in _WORDED_ONCE or (
        condition.type in (ConditionType.READY, ConditionType.STALLED) and condition.reason == _planned_reason(previous)
    )
    return condition.model_copy(update={"message": before.message}) if worded_by_decision else condition


def _planned_reason(previous: InferenceDeploymentStatus) -> str | None:
    planned = find_condition(previous.conditions, ConditionType.PLANNED)
    return planned.reason if planned else None


def _record(seen: Observation, now: datetime) -> DecisionStatus:
    return DecisionStatus(
        decided_at=now, candidates=decision_view.candidate_rows(seen.decision, most=decision_view.MOST_CANDIDATES)
    )


def _existing(seen: Observation) -> int:
    return sum(child.active if child.kind == "Job" else child.replicas for child in seen.workloads)


def _ready(seen: Observation) -> int:
    return sum(_ready_by_name(seen).values())


def _ready_by_name(seen: Observation) -> dict[str, int]:
    """Ready replicas per workload; a Job's are its ready pods."""
    return {
        child.name: sum(pod.ready and pod.owner == child.uid for pod in seen.pods)
        if child.kind == "Job"
        else child.ready_replicas
        for child in seen.workloads
    }
