"""What runs on until its successor is ready, and what that costs meanwhile.

In: placements that are to leave. Out: those that drain, and USD per month. A batch leaves at once, because two must not
write one output; what lies in a pool that is gone has nothing to drain on. Must not decide what leaves.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from inferfleet.api.enums import Role
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.money import HOURS_PER_MONTH
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool
from inferfleet.plan.admission.backoff import ready


def able_to_drain(demand: Demand, leaving: Iterable[Placement], pools: Iterable[Pool]) -> tuple[Placement, ...]:
    """Return what of this serves on, as `Draining`, while its successor starts."""
    if demand.spec.batch is not None:
        return ()
    known = {(pool.name, pool.capacity_type) for pool in pools}
    return tuple(replace(item, role=Role.DRAINING) for item in leaving if (item.pool, item.capacity_type) in known)


def arrived(holding: Holding | None) -> Holding | None:
    """Return the holding without what drains, where all that was to take its place is ready."""
    staying = tuple(item for item in holding.placements if item.role is not Role.DRAINING) if holding else ()
    if holding is None or not staying or len(staying) == len(holding.placements) or not ready(holding, staying):
        return holding
    return replace(holding, placements=staying)


def usd_per_month(placements: Iterable[Placement]) -> Decimal:
    """Return USD per month of 730 hours of what runs, at the prices it is charged."""
    return sum((item.usd_per_hour for item in placements), Decimal(0)) * HOURS_PER_MONTH
