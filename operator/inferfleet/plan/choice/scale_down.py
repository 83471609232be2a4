"""Fewer replicas: at once when somebody orders them, else only after a while and when it is worth a change.

In: what runs as an allocation, the counts that would do now, and since when fewer would do. Out: the counts to run, and
since when fewer would do. Growth is none of this file's business.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from inferfleet.domain.candidate import Candidate
from inferfleet.domain.demand import Demand
from inferfleet.plan.choice.allocation import Allocation, reserving

# "Replica decreases decided by the plan wait 30 minutes and need a 10 % change" (api.md, section 5).
STABILISATION_WINDOW = timedelta(minutes=30)
LEAST_CHANGE_PERCENT = 10


def stabilised(
    demand: Demand, before: Allocation, wanted: Allocation, *, fewer_since: datetime | None, now: datetime | None
) -> tuple[Allocation, datetime | None]:
    """Return what to run now, and since when fewer replicas would do (None: they would not).

    `before` is what runs, `wanted` the same with the counts that would do, without the parts that are not needed.
    """
    running = sum(placement.replicas for placement in before.running)
    enough = wanted.replicas
    ordered = demand.spec.replicas is not None or demand.spec.is_batch or wanted.short > 0
    most = demand.spec.scaling.max_replicas
    if ordered or now is None or enough >= running or (most is not None and running > most):
        return wanted, None
    kept = _kept(demand, before, wanted)
    if (running - enough) * 100 < running * LEAST_CHANGE_PERCENT:
        return kept, None
    since = fewer_since or now
    return (wanted if now - since >= STABILISATION_WINDOW else kept), since


def not_smaller(part: Candidate) -> Candidate:
    """Return the part with at least the count that runs of it, of which none leaves now."""
    if part.running is None or part.replicas >= part.running.replicas:
        return part
    return part.sized(replace(part.count, replicas=part.running.replicas))


def _kept(demand: Demand, before: Allocation, wanted: Allocation) -> Allocation:
    needed = {part.running.name: part for part in wanted.parts if part.running}
    parts = (
        needed.get(part.running.name) or part.sized(replace(part.count, replicas=0, recommended=0))
        for part in before.parts
        if part.running
    )
    return reserving(demand, (not_smaller(part) for part in parts))
