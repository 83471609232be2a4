"""Batch runs on spot first, and leaves it only when it may and must.

In: a shape, what is known of its candidates, and the clock. Out: the same candidates, those outside spot refused as
long as spot is to be used. What runs outside spot already is not driven back by this rule; `moving` weighs that.
"""

from dataclasses import replace
from datetime import datetime

from inferfleet.api.enums import CapacityType, SpotPolicy
from inferfleet.api.reasons import Reason
from inferfleet.domain.demand import Demand
from inferfleet.domain.placement import Placement
from inferfleet.plan.assess import Assessment
from inferfleet.plan.eligible import Refusal
from inferfleet.plan.gate import held_here
from inferfleet.plan.shape import Shape


def spot_first(
    demand: Demand,
    shape: Shape,
    assessments: tuple[Assessment, ...],
    held: tuple[Placement, ...],
    now: datetime | None,
) -> tuple[Assessment, ...]:
    """Refuse candidates outside spot, unless spot can never hold the batch or its deadline is at risk."""
    if shape.spot_policy is SpotPolicy.NEVER:
        return assessments
    spot = [item for item in assessments if item.capacity_type is CapacityType.SPOT and item.refusal is None]
    may_leave = shape.spot_policy is not SpotPolicy.REQUIRED and shape.rules.batch_fallback
    if may_leave and (not spot or _deadline_at_risk(demand, spot, now)):
        return assessments
    message = "batch runs on spot first" if may_leave else "batch stays on spot: a matching BudgetPolicy says Wait"
    objection = Refusal(Reason.CAPACITY_TYPE_NOT_ALLOWED, message)
    return tuple(
        item
        if item.capacity_type is CapacityType.SPOT
        or item.refusal is not None
        or (may_leave and held_here(held, item) is not None)
        else replace(item, refusal=objection)
        for item in assessments
    )


def _deadline_at_risk(demand: Demand, spot: list[Assessment], now: datetime | None) -> bool:
    """Whether even the fastest spot candidate would take longer than what is left until the deadline."""
    deadline = demand.spec.batch.deadline_seconds if demand.spec.batch else None
    if deadline is None or now is None or demand.created is None:
        return False
    left_hours = (deadline - (now - demand.created).total_seconds()) / 3600
    return min(item.hours or 0.0 for item in spot) > left_hours
