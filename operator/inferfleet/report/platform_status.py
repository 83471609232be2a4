"""The statuses of the kinds that the platform team writes: whether an object was understood, and what was found.

In: the object as it was read, and a snapshot. Out: the status to store, as a model. Pure; times are arguments. Must
not show more of a policy's tenants than the API documents.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from inferfleet.api.conditions import Condition, Conditions, timed
from inferfleet.api.enums import ConditionStatus
from inferfleet.api.reasons import ConditionReason, ConditionType
from inferfleet.api.v1alpha1 import (
    BudgetPolicyStatus,
    CategoryUse,
    GPUPoolStatus,
    Reservation,
)
from inferfleet.budget import Holder, Line, Statement
from inferfleet.domain.money import Total
from inferfleet.domain.wording import in_cents, usd_text
from inferfleet.domain.world import Pool, World
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
    return (timed(former, ready, now),)


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
            *_stale(former, stale_price(pool.price, now, price_max_age), generation, now),
        ),
    )


def _stale(former: GPUPoolStatus, message: str, generation: int, now: datetime) -> tuple[Condition, ...]:
    """Return the condition that is there only while the pool's price is too old."""
    if not message:
        return ()
    new = Condition(
        type=ConditionType.PRICE_FRESH,
        status=ConditionStatus.FALSE,
        reason=ConditionReason.PRICE_STALE,
        message=message,
        observed_generation=generation,
    )
    return (timed(former.conditions, new, now),)


def promised_gpus(world: World, pool: Pool) -> int:
    """Return the GPUs of this pool that are promised to replicas without pods."""
    pool_of_node = {node.name: pool.name for node in pool.nodes}
    return sum(
        missing * placement.tensor_parallel_size
        for holding in world.holdings.values()
        if any(placement.pool == pool.name for placement in holding.placements)
        for placement, missing in holding.unbound(pool_of_node)
        if placement.pool == pool.name
    )


def budget_status(
    former: BudgetPolicyStatus, statement: Statement, *, generation: int, now: datetime
) -> BudgetPolicyStatus:
    """Return the status of a policy that was understood: its statement, as the API shows it.

    `remaining` is negative when an outside change left the policy exceeded.
    """
    ready, whole = understood(former.conditions, None, generation=generation, now=now), statement.whole
    return BudgetPolicyStatus(
        observed_generation=generation,
        reserved_usd_per_month=in_cents(whole.reserved.month.usd),
        committed_usd_per_month=in_cents(whole.committed.usd),
        remaining_usd_per_month=in_cents(statement.remaining.usd),
        categories=tuple(_category(line, statement.limit) for line in statement.categories),
        reservations=tuple(_reservation(holder) for holder in statement.holders[:MOST_RESERVATIONS]),
        reservations_total=len(statement.holders),
        conditions=(*ready, timed(former.conditions, _exceeded(statement, generation), now)),
    )


def _exceeded(statement: Statement, generation: int) -> Condition:
    line = statement.exceeded
    if line is None:
        message = f"within {usd_text(statement.limit.usd)} USD per month"
    else:
        assert line.limit is not None
        over, where = line.promised - line.limit, f" of category {line.category}" if line.category else ""
        message = f"{usd_text(over.usd)} USD per month above {usd_text(line.limit.usd)}{where}"
    return Condition(
        type=ConditionType.EXCEEDED,
        status=ConditionStatus.FALSE if line is None else ConditionStatus.TRUE,
        reason=ConditionReason.WITHIN_LIMIT if line is None else ConditionReason.LIMIT_EXCEEDED,
        message=message,
        observed_generation=generation,
    )


def _category(line: Line, whole: Total) -> CategoryUse:
    assert line.category is not None
    held = line.reserved.month + line.committed
    share = Decimal(f"{held.usd / whole.usd * 100:.1f}") if whole else None
    return CategoryUse(
        name=line.category,
        usd_per_month=None if line.limit is None else in_cents(line.limit.usd),
        reserved_usd_per_month=in_cents(line.reserved.month.usd),
        committed_usd_per_month=in_cents(line.committed.usd),
        percent_of_total=share,
    )


def _reservation(holder: Holder) -> Reservation:
    return Reservation(
        namespace=holder.namespace,
        name=holder.name,
        category=holder.category,
        usd_per_month=in_cents(holder.charge.month.usd),
        replicas=holder.replicas,
        capacity_type=holder.capacity_type,
    )
