"""Batch runs on spot first, and leaves it only when it may and must.

In: a shape, what is known of its candidates, and the clock. Out: the same candidates, those outside spot refused as
long as spot is to be used. What runs outside spot already is not driven back by this rule; `rebalance` weighs that.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from inferfleet.api.enums import CapacityType, SpotPolicy
from inferfleet.api.reasons import Reason
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.demand import Demand
from inferfleet.domain.refused import Refused
from inferfleet.plan.candidates.shape import Shape
from inferfleet.plan.candidates.sizing import DEADLINE_SHARE


def spot_first(
    demand: Demand,
    shape: Shape,
    candidates: tuple[Candidate, ...],
    now: datetime | None,
) -> tuple[Candidate, ...]:
    """Refuse candidates outside spot, unless spot can never hold the batch or its deadline is at risk.

    The capacity type is asked before memory and speed, so its refusal takes the place of theirs.
    """
    if shape.spot_policy is SpotPolicy.NEVER:
        return candidates
    spot = [item for item in candidates if item.capacity_type is CapacityType.SPOT and item.refusal is None]
    may_leave = shape.spot_policy is not SpotPolicy.REQUIRED and shape.rules.batch_fallback
    risky_from = at_risk_from(demand, spot)
    at_risk = now is not None and risky_from is not None and now >= risky_from
    if may_leave and (not spot or at_risk):
        return candidates
    message = "batch runs on spot first" if may_leave else "batch stays on spot: a matching BudgetPolicy says Wait"
    objection = Refused(Reason.CAPACITY_TYPE_NOT_ALLOWED, message)
    return tuple(
        item
        if item.capacity_type is CapacityType.SPOT
        or (item.refusal is not None and item.refusal.reason.progress <= objection.reason.progress)
        or (may_leave and item.running is not None)
        else item.refused(objection)
        for item in candidates
    )


def at_risk_from(demand: Demand, spot: Iterable[Candidate]) -> datetime | None:
    """Return from when on even the fastest spot candidate would miss the deadline; None: never.

    A batch of unknown length is taken to need the share of its deadline that a plan may fill.
    """
    deadline, batch = demand.deadline, demand.spec.batch
    hours = [item.hours for item in spot if item.hours is not None]
    if deadline is None or batch is None or not hours:
        return None
    share = DEADLINE_SHARE if batch.requests is None else 1.0
    return deadline - timedelta(hours=min(hours) * share)
