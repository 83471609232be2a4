"""Fewer replicas: at once when somebody orders them, else only after a while and when it is worth a change.

In: an arrangement of what runs with the counts that would do now, and since when fewer would do. Out: the counts to
run, and since when fewer would do. Growth is none of this file's business.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from inferfleet.domain.demand import Demand
from inferfleet.plan.arrangement import Arrangement
from inferfleet.plan.options import Option, reserved_count

# "Replica decreases decided by the plan wait 30 minutes and need a 10 % change" (api.md, section 5).
PATIENCE = timedelta(minutes=30)
LEAST_CHANGE_PERCENT = 10


def patient(
    demand: Demand, current: Arrangement, *, fewer_since: datetime | None, now: datetime | None
) -> tuple[Arrangement, datetime | None]:
    """Return the arrangement with the counts to run now, and since when fewer would do (None: they would not)."""
    running = sum(part.held.replicas for part in current.parts if part.held)
    enough = sum(part.replicas for part in current.parts)
    ordered = demand.spec.replicas is not None or demand.spec.batch is not None or current.short > 0
    most = demand.spec.scaling.max_replicas
    if ordered or now is None or enough >= running or (most is not None and running > most):
        return current, None
    if (running - enough) * 100 < running * LEAST_CHANGE_PERCENT:
        return _kept(demand, current), None
    since = fewer_since or now
    return (current if now - since >= PATIENCE else _kept(demand, current)), since


def _kept(demand: Demand, current: Arrangement) -> Arrangement:
    return Arrangement(parts=tuple(_as_held(demand, part) for part in current.parts))


def _as_held(demand: Demand, part: Option) -> Option:
    assert part.held is not None
    if part.replicas >= part.held.replicas:
        return part
    return replace(part, replicas=part.held.replicas, reserved=reserved_count(demand, part.held.replicas))
