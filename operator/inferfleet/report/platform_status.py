"""Statuses of the kinds that the platform team writes: was it understood, and what was found.

In: the object as it was read, and a snapshot. Out: the status to store, as a model. Pure; times are arguments. Must
not name what a policy's tenants do beyond what the contract lists.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from inferfleet.api.conditions import Condition, Conditions, find_condition
from inferfleet.api.enums import CapacityType, Category, ConditionStatus
from inferfleet.api.reasons import ConditionReason, ConditionType
from inferfleet.api.v1alpha1 import (
    BudgetPolicyStatus,
    CategoryUse,
    GPUPoolStatus,
    Reservation,
)
from inferfleet.budget.ledger import commitments
from inferfleet.budget.policies import selects
from inferfleet.budget.pricing import price_of
from inferfleet.domain.demand import Holding
from inferfleet.domain.money import ZERO
from inferfleet.domain.wording import usd_text
from inferfleet.domain.world import Policy, Pool, World
from inferfleet.report.prices import stale_price

MOST_RESERVATIONS = 64


def understood(
    former: Conditions, problem: tuple[str, str] | None, *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Return the Ready condition of a platform object; `problem` is a reason and a message."""
    ready = Condition(
        type=ConditionType.READY,
        status=ConditionStatus.FALSE if problem else ConditionStatus.TRUE,
        reason=problem[0] if problem else ConditionReason.UNDERSTOOD,
        message=problem[1] if problem else "the object is understood",
        observed_generation=generation,
    )
    return (_timed(former, ready, now),)


def pool_status(
    former: GPUPoolStatus,
    pool: Pool,
    *,
    detected: tuple[str, ...],
    left_out: tuple[str, ...],
    promised: int,
    generation: int,
    now: datetime,
    price_max_age: timedelta | None = None,
) -> GPUPoolStatus:
    """Return the status of a pool that was understood.

    `detected` are the GPU types that its nodes' labels show, `left_out` says why nodes are not used, `promised` counts
    GPUs of placements that no pod has taken up yet. `price_max_age` is how old its price may be (None: any age).
    """
    problem = None
    if pool.problem is not None:
        unknown = pool.gpu is None
        reason = ConditionReason.GPU_TYPE_UNKNOWN if unknown else ConditionReason.GPU_TYPE_MISMATCH
        problem = (str(reason), pool.problem)
    elif left_out:
        shown = "; ".join(left_out[:3]) + (f"; and {len(left_out) - 3} more" if len(left_out) > 3 else "")
        problem = (str(ConditionReason.GPU_TYPE_MISMATCH), f"nodes are left out: {shown}")
    elif pool.counted_elsewhere is not None:
        problem = (str(ConditionReason.NODES_SHARED), pool.counted_elsewhere)
    return GPUPoolStatus(
        observed_generation=generation,
        nodes=len(pool.nodes),
        gpus=sum(node.gpus for node in pool.nodes),
        # More may be promised than there is: of a pool that has to grow first.
        gpus_free=max(0, sum(node.free for node in pool.nodes if node.schedulable) - promised),
        gpu_type_detected=detected[0] if len(detected) == 1 else None,
        conditions=(
            *understood(former.conditions, problem, generation=generation, now=now),
            *_stale(former, stale_price(price_of(pool), now, price_max_age), generation, now),
        ),
    )


def _stale(former: GPUPoolStatus, message: str, generation: int, now: datetime) -> tuple[Condition, ...]:
    """A condition that is there only while the pool's price is older than it may be."""
    if not message:
        return ()
    new = Condition(
        type=ConditionType.PRICE_FRESH,
        status=ConditionStatus.FALSE,
        reason=ConditionReason.PRICE_STALE,
        message=message,
        observed_generation=generation,
    )
    return (_timed(former.conditions, new, now),)


def promised_gpus(world: World, pool: Pool) -> int:
    """GPUs of this pool that were promised to placements and that no pod has taken up yet."""
    nodes = {node.name for node in pool.nodes}
    promised = 0
    for holding in world.holdings.values():
        if holding.finished:
            continue
        here = sum(placement.gpus for placement in holding.placements if placement.pool == pool.name)
        bound = sum(bound.gpus for bound in holding.bound if bound.node in nodes)
        promised += max(0, here - bound)
    return promised


def budget_status(
    former: BudgetPolicyStatus,
    policy: Policy,
    holdings: Iterable[Holding],
    charges: Mapping[str, Decimal],
    *,
    generation: int,
    now: datetime,
) -> BudgetPolicyStatus:
    """Return the ledger of a policy that was understood: who holds what of it.

    `charges` are the ledger's, in USD by owner: what was promised, and for real-time work no less than its pods still
    occupy. A batch counts with its forecast total. `remaining` is negative when an outside change left the policy
    exceeded.
    """
    mine = [
        _Holder(holding=item, usd=charges[item.uid])
        for item in holdings
        if item.uid in charges and selects(policy.spec.namespace_selector, item.namespace_labels)
    ]
    mine.sort(key=lambda item: (-item.usd, item.holding.namespace, item.holding.name))
    reserved, committed = _sum(mine), commitments(policy)
    remaining = policy.spec.usd_per_month - reserved - committed
    ready = understood(former.conditions, None, generation=generation, now=now)
    return BudgetPolicyStatus(
        observed_generation=generation,
        reserved_usd_per_month=_usd(reserved),
        committed_usd_per_month=_usd(committed),
        remaining_usd_per_month=_usd(remaining),
        categories=tuple(_category(policy, mine, category) for category in _categories(policy, mine)),
        reservations=tuple(_reservation(item) for item in mine[:MOST_RESERVATIONS]),
        reservations_total=len(mine),
        conditions=(*ready, _timed(former.conditions, _exceeded(remaining, policy, generation), now)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    """A deployment that holds money of a policy, and how much: USD per month, or in total for a batch."""

    holding: Holding
    usd: Decimal


def _exceeded(remaining: Decimal, policy: Policy, generation: int) -> Condition:
    over = remaining < 0
    limit = usd_text(policy.spec.usd_per_month)
    return Condition(
        type=ConditionType.EXCEEDED,
        status=ConditionStatus.TRUE if over else ConditionStatus.FALSE,
        reason=ConditionReason.LIMIT_EXCEEDED if over else ConditionReason.WITHIN_LIMIT,
        message=f"{usd_text(-remaining)} USD per month above {limit}" if over else f"within {limit} USD per month",
        observed_generation=generation,
    )


def _categories(policy: Policy, holders: list[_Holder]) -> list[Category]:
    """Categories with a cap, a commitment or a reservation, in the order of the vocabulary."""
    named = {cap.name for cap in policy.spec.categories}
    named |= {item.category for item in policy.spec.commitments} | {item.holding.category for item in holders}
    return [category for category in Category if category in named]


def _category(policy: Policy, holders: list[_Holder], category: Category) -> CategoryUse:
    cap = next((cap.usd_per_month for cap in policy.spec.categories if cap.name is category), None)
    reserved = _sum(item for item in holders if item.holding.category is category)
    committed = commitments(policy, category)
    total = policy.spec.usd_per_month
    return CategoryUse(
        name=category,
        usd_per_month=None if cap is None else _usd(cap),
        reserved_usd_per_month=_usd(reserved),
        committed_usd_per_month=_usd(committed),
        percent_of_total=Decimal(f"{(reserved + committed) / total * 100:.1f}") if total else None,
    )


def _reservation(holder: _Holder) -> Reservation:
    """One line of the ledger; of a deployment that is gone only its last pods are left, and no placement."""
    item = holder.holding
    largest = max(item.placements, key=lambda placement: placement.gpus, default=None)
    return Reservation(
        namespace=item.namespace,
        name=item.name,
        category=item.category,
        usd_per_month=_usd(holder.usd),
        replicas=sum(placement.replicas for placement in item.placements),
        capacity_type=CapacityType(largest.capacity_type) if largest else None,
    )


def _sum(holders: Iterable[_Holder]) -> Decimal:
    """USD per month of run-rates, and totals of batches, which are held until they are spent."""
    return sum((item.usd for item in holders), ZERO)


def _usd(amount: Decimal) -> Decimal:
    return Decimal(usd_text(amount))


def _timed(former: Conditions, new: Condition, now: datetime) -> Condition:
    before = find_condition(former, new.type)
    stays = before is not None and before.status == new.status and before.last_transition_time is not None
    time = before.last_transition_time if before is not None and stays else now.replace(microsecond=0)
    return new.model_copy(update={"last_transition_time": time})
