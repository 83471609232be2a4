"""Pools that do not deliver: what was promised there is given up after a while, and the pool is left alone for a while.

In: what a deployment holds, with its pods, and the time. Out: what still stands of it, and which pools back off until
when. Pauses double with every failure in a row, so a pool that never delivers is asked less and less often.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from inferfleet.api.enums import Role
from inferfleet.api.reasons import ReadyReason
from inferfleet.domain.demand import Holding
from inferfleet.domain.history import BackOff
from inferfleet.domain.placement import Placement

# "A reservation with nothing scheduled for 15 minutes is released and requeued with back-off" (api.md, section 5).
PATIENCE = timedelta(minutes=15)
FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(hours=4)
# A pool that was not asked again for so long after its pause starts with a clean record.
FORGOTTEN_AFTER = timedelta(hours=12)
# A successor that is not ready by then is given up: both are paid for meanwhile.
MOVE_PATIENCE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What of a holding still counts: `staying` placements, `draining` ones, and what was `given_up`.

    `limits` bounds by name what must not grow because its pool backs off. `excluded` are the pools that back off.
    """

    staying: tuple[Placement, ...] = ()
    draining: tuple[Placement, ...] = ()
    given_up: tuple[Placement, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()
    back_offs: tuple[BackOff, ...] = ()

    @property
    def held(self) -> tuple[Placement, ...]:
        """Everything that counts as running."""
        return (*self.staying, *self.draining)


def standing(holding: Holding | None, now: datetime | None) -> Retained:
    """Sort a holding into what stands and what is given up; without a clock everything stands."""
    if holding is None:
        return Retained()
    staying = tuple(item for item in holding.placements if item.role is not Role.DRAINING)
    draining = tuple(item for item in holding.placements if item.role is Role.DRAINING)
    if now is None:
        return Retained(staying=staying, draining=draining)
    late = frozenset(item.pool for item in staying if _late(holding, item, moving=bool(draining), now=now))
    back_offs = _back_offs(holding, late, now)
    excluded = frozenset(item.pool for item in back_offs if item.until > now)
    given_up, limits = [], {}
    for item in staying:
        scheduled = holding.pods_of(item.name).scheduled
        if (item.pool in late and (draining or not scheduled)) or (draining and _stuck(holding, item, now)):
            given_up.append(item)
        elif item.pool in excluded and scheduled < item.replicas and item.pool in late:
            limits[item.name] = scheduled
        elif item.pool in excluded:
            limits[item.name] = item.replicas
    kept = tuple(item for item in staying if item not in given_up)
    if given_up and draining:  # the move is off: what was to leave stays
        kept, draining = (*kept, *(replace(item, role=Role.BASE) for item in draining)), ()
    return Retained(
        staying=kept,
        draining=draining,
        given_up=tuple(given_up),
        limits=limits,
        excluded=excluded,
        back_offs=back_offs,
    )


def ready(holding: Holding | None, placements: tuple[Placement, ...]) -> bool:
    """Tell whether all replicas of these placements are ready: what they replace may leave."""
    return holding is not None and all(holding.pods_of(item.name).ready >= item.replicas for item in placements)


def stuck(holding: Holding | None, now: datetime | None) -> tuple[ReadyReason, str] | None:
    """Say what all pods of a holding wait for in vain, where no further node would help; None where they do not.

    Such a reservation is released like any other with nothing scheduled, and asked for again after `FIRST_PAUSE`; no
    pool is left alone for it, because any other would do no better.
    """
    if holding is None or now is None or any(pods.scheduled for pods in holding.pods):
        return None
    found = next((item for item in holding.placements if _stuck(holding, item, now)), None)
    if found is None:
        return None
    minutes, again = PATIENCE // timedelta(minutes=1), now + FIRST_PAUSE
    return (
        ReadyReason.UNSCHEDULABLE,
        f"no pod was scheduled for {minutes} minutes, and no further node would help: "
        f"{holding.pods_of(found.name).stuck}; its reservation is released, and asked for again at {again:%H:%M} UTC",
    )


def next_change(retained: Retained, holding: Holding | None, now: datetime | None) -> datetime | None:
    """Return when waiting for nodes or a pause comes to an end next, None when nothing of that is under way."""
    if now is None:
        return None
    times = [item.until for item in retained.back_offs]
    if holding is not None:
        waits = [since for pods in holding.pods for since in (pods.unscheduled_since, pods.stuck_since)]
        times += [since + PATIENCE for since in waits if since is not None]
    return min((time for time in times if time > now), default=None)


def _late(holding: Holding, item: Placement, *, moving: bool, now: datetime) -> bool:
    """Whether pods wait too long for a node, or a successor takes too long to get ready."""
    pods = holding.pods_of(item.name)
    if pods.unscheduled and pods.unscheduled_since is not None and now - pods.unscheduled_since >= PATIENCE:
        return True
    since = holding.history.moved_at
    return moving and since is not None and now - since >= MOVE_PATIENCE and pods.ready < item.replicas


def _stuck(holding: Holding, item: Placement, now: datetime) -> bool:
    """Whether nothing of it was scheduled for too long, for a reason that no pool is to blame for."""
    pods = holding.pods_of(item.name)
    return not pods.scheduled and pods.stuck_since is not None and now - pods.stuck_since >= PATIENCE


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


def released(holding: Holding | None, retained: Retained) -> Holding | None:
    """Return the holding without what was given up, and with what backs off cut to what got a node."""
    if holding is None or not (retained.given_up or retained.limits):
        return holding
    left = tuple(
        replace(item, replicas=min(item.replicas, retained.limits.get(item.name, item.replicas)))
        for item in retained.held
    )
    return replace(holding, placements=left)
