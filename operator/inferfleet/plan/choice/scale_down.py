"""Fewer replicas: at once when somebody orders them, else only after a while and when it is worth a change.

In: an arrangement of what runs with the counts that would do now, and since when fewer would do. Out: the counts to
run, and since when fewer would do. Growth is none of this file's business.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from inferfleet.domain.demand import Demand
from inferfleet.plan.candidates.quote import Option
from inferfleet.plan.choice.allocation import Allocation, reserving

# "Replica decreases decided by the plan wait 30 minutes and need a 10 % change" (api.md, section 5).
PATIENCE = timedelta(minutes=30)
LEAST_CHANGE_PERCENT = 10


def patient(
    demand: Demand, before: Allocation, wanted: Allocation, *, fewer_since: datetime | None, now: datetime | None
) -> tuple[Allocation, datetime | None]:
    """Return what to run now, and since when fewer replicas would do (None: they would not).

    `before` is what runs, `wanted` the same with the counts that would do, without the parts that are not needed.
    """
    running = sum(part.held.replicas for part in before.parts if part.held)
    enough = sum(part.replicas for part in wanted.parts)
    ordered = demand.spec.replicas is not None or demand.spec.batch is not None or wanted.short > 0
    most = demand.spec.scaling.max_replicas
    if ordered or now is None or enough >= running or (most is not None and running > most):
        return wanted, None
    kept = _kept(demand, before, wanted)
    if (running - enough) * 100 < running * LEAST_CHANGE_PERCENT:
        return kept, None
    since = fewer_since or now
    return (wanted if now - since >= PATIENCE else kept), since


def _kept(demand: Demand, before: Allocation, wanted: Allocation) -> Allocation:
    needed = {part.held.name: part for part in wanted.parts if part.held}
    parts = (
        needed.get(part.held.name) or replace(part, replicas=0, recommended=0) for part in before.parts if part.held
    )
    return reserving(demand, (not_smaller(part) for part in parts))


def not_smaller(part: Option) -> Option:
    """Return the part with at least the count that runs of it, of which none leaves now."""
    if part.held is None or part.replicas >= part.held.replicas:
        return part
    return replace(part, replicas=part.held.replicas)
