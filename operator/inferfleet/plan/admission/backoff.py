"""Pools that do not deliver: what was promised there is given up after a while, and the pool is left alone for a while.

In: what a deployment holds, with its pods, and the time. Out: what is retained of it, and which pools back off until
when. Pauses double with every failure in a row, so a pool that never delivers is asked less and less often.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from inferfleet.api.enums import Role
from inferfleet.domain.demand import Holding
from inferfleet.domain.history import BackOff
from inferfleet.domain.placement import Placement, draining, staying

# "A reservation with nothing scheduled for 15 minutes is released and requeued with back-off" (api.md, section 5).
SCHEDULE_TIMEOUT = timedelta(minutes=15)
FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(hours=4)
# A pool that was not asked again for so long after its pause starts with a clean record.
FORGOTTEN_AFTER = timedelta(hours=12)
# A successor that is not ready by then is given up: both are paid for meanwhile.
MOVE_TIMEOUT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What of a holding still counts.

    `kept` placements stay, `draining` ones run until their successor is ready, `released` ones are given up. `limits`
    bounds by name what must not grow because its pool backs off; `excluded` are the pools that back off. `next_change`
    is when waiting for nodes or a pause comes to an end next (None: nothing of that is under way).
    """

    kept: tuple[Placement, ...] = ()
    draining: tuple[Placement, ...] = ()
    released: tuple[Placement, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    back_offs: tuple[BackOff, ...] = ()
    next_change: datetime | None = None

    @property
    def running(self) -> tuple[Placement, ...]:
        """Everything that counts as running."""
        return (*self.kept, *self.draining)

    def turned_back(self) -> "Retained":
        """A move that is taken back: what was to leave is kept, and what was to replace it is released."""
        return replace(self, kept=_as_base(self.draining), draining=(), released=(*self.released, *self.kept))


NOTHING_RETAINED = Retained()


def retain(holding: Holding | None, now: datetime | None) -> Retained:
    """Sort a holding into what is retained and what is released; without a clock everything is kept."""
    if holding is None:
        return NOTHING_RETAINED
    stays, drains = staying(holding.placements), draining(holding.placements)
    if now is None:
        return Retained(kept=stays, draining=drains)
    late = frozenset(item.pool for item in stays if _late(holding, item, moving=bool(drains), now=now))
    back_offs = _back_offs(holding, late, now)
    excluded = frozenset(item.pool for item in back_offs if item.until > now)
    released, limits = [], {}
    for item in stays:
        scheduled = holding.pods_of(item.name).scheduled
        if (item.pool in late and (drains or not scheduled)) or (drains and _stuck(holding, item, now)):
            released.append(item)
        elif item.pool in excluded and scheduled < item.replicas and item.pool in late:
            limits[item.name] = scheduled
        elif item.pool in excluded:
            limits[item.name] = item.replicas
    kept = tuple(item for item in stays if item not in released)
    if released and drains:  # the move is off: what was to leave stays
        kept, drains = (*kept, *_as_base(drains)), ()
    return Retained(
        kept=kept,
        draining=drains,
        released=tuple(released),
        limits=limits,
        excluded=excluded,
        back_offs=back_offs,
        next_change=_next_change(holding, back_offs, now),
    )


def without_released(holding: Holding | None, retained: Retained) -> Holding | None:
    """Return the holding without what was released, and with what backs off cut to what got a node."""
    if holding is None or not (retained.released or retained.limits):
        return holding
    left = tuple(
        replace(item, replicas=min(item.replicas, retained.limits.get(item.name, item.replicas)))
        for item in retained.running
    )
    return replace(holding, placements=left)


def stuck(holding: Holding | None, now: datetime | None) -> str | None:
    """Why no pod could be scheduled, where more nodes would not help; None where they would, or pods have nodes.

    Such a reservation is released like any other with nothing scheduled, and asked for again after `FIRST_PAUSE`; no
    pool is left alone for it, because any other would do no better.
    """
    if holding is None or now is None or any(pods.scheduled for pods in holding.pods):
        return None
    found = next((item for item in holding.placements if _stuck(holding, item, now)), None)
    if found is None:
        return None
    minutes, again = SCHEDULE_TIMEOUT // timedelta(minutes=1), now + FIRST_PAUSE
    return (
        f"no pod was scheduled for {minutes} minutes, and no further node would help: "
        f"{holding.pods_of(found.name).stuck}; its reservation is released, and asked for again at {again:%H:%M} UTC"
    )


def _next_change(holding: Holding, back_offs: tuple[BackOff, ...], now: datetime) -> datetime | None:
    waits = [since for pods in holding.pods for since in (pods.unscheduled_since, pods.stuck_since)]
    times = [item.until for item in back_offs] + [since + SCHEDULE_TIMEOUT for since in waits if since is not None]
    return min((time for time in times if time > now), default=None)


def _as_base(placements: tuple[Placement, ...]) -> tuple[Placement, ...]:
    return tuple(replace(item, role=Role.BASE) for item in placements)


def _late(holding: Holding, item: Placement, *, moving: bool, now: datetime) -> bool:
    """Whether pods wait too long for a node, or a successor takes too long to get ready."""
    pods = holding.pods_of(item.name)
    if pods.unscheduled and pods.unscheduled_since is not None and now - pods.unscheduled_since >= SCHEDULE_TIMEOUT:
        return True
    since = holding.history.moved_at
    return moving and since is not None and now - since >= MOVE_TIMEOUT and pods.ready < item.replicas


def _stuck(holding: Holding, item: Placement, now: datetime) -> bool:
    """Whether nothing of it was scheduled for too long, for a reason that no pool is to blame for."""
    pods = holding.pods_of(item.name)
    return not pods.scheduled and pods.stuck_since is not None and now - pods.stuck_since >= SCHEDULE_TIMEOUT


def _back_offs(holding: Holding, late: frozenset[str], now: datetime) -> tuple[BackOff, ...]:
    """Lengthen the pause of those that failed now, keep the others' until they delivered or are forgotten."""
    known = {item.pool: item for item in holding.history.back_offs}
    delivered = {
        item.pool for item in holding.placements if holding.pods_of(item.name).scheduled >= item.replicas > 0
    } - late
    kept = {
        pool: item
        for pool, item in known.items()
        if item.until > now or (pool not in delivered and now - item.until < FORGOTTEN_AFTER)
    }
    for pool in late:
        before = kept.get(pool)
        if before is None or before.until <= now:
            failures = before.failures + 1 if before else 1
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures - 1, 10))
            kept[pool] = BackOff(pool=pool, until=now + pause, failures=failures)
    return tuple(kept[pool] for pool in sorted(kept))
