"""Is a cheaper allocation worth moving to? `spec.placement.rebalance` answers, with the move itself priced.

In: what runs, what is cheaper, the money and the history. Out: the objection to a move, or none. Real-time work moves
make-before-break: both run until the successor is ready, so the overlap must be affordable. A batch stops, moves and
goes on from the lines that are finished. Must not move anything.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from inferfleet.api.enums import RebalancePolicy
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.memory import GIB
from inferfleet.domain.money import ZERO, Charge, RunRate
from inferfleet.domain.refused import Chain
from inferfleet.domain.wording import duration_text, usd_text
from inferfleet.plan.admission.admission import Attempt
from inferfleet.plan.candidates.sizing import DEADLINE_SHARE, LOAD_HOURS
from inferfleet.plan.choice.allocation import Allocation, reserving
from inferfleet.plan.choice.scale_down import not_smaller

# The rates behind render/probes.py: weights arrive at 100 MB/s at least, compilation and graph capture take minutes.
LOAD_BYTES_PER_HOUR = 100_000_000 * 3600
COMPILE_HOURS = 300 / 3600
# Both placements run while the old pods finish their requests: the 150 s of an orderly end (render/probes.py).
DRAIN_HOURS = 150 / 3600


class Stay(StrEnum):
    """Why something cheaper is not moved to."""

    UNDER_WAY = "UnderWay"
    SAVES_TOO_LITTLE = "SavesTooLittle"
    COSTS_MORE = "CostsMore"
    POLICY = "Policy"
    COOLDOWN = "Cooldown"
    DEADLINE = "Deadline"
    OVERLAP = "Overlap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What a move saves: per cent of the present cost, USD over the horizon, and the USD that the move costs."""

    percent: Decimal
    usd: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A move that could be made: from what runs with its present counts to something cheaper."""

    attempt: Attempt
    current: Allocation
    target: Allocation
    under_way: bool = False

    @property
    def demand(self) -> Demand:
        """Whose move it is."""
        return self.attempt.demand

    @property
    def holding(self) -> Holding:
        """What it holds."""
        assert self.attempt.holding is not None
        return self.attempt.holding

    @property
    def saving(self) -> Saving:
        """Compare the target with what runs, over what is left of the work or the horizon."""
        if self.attempt.batch:
            return self._batch_saving()
        before, after = _hourly(self.demand, self.current, runs=True), _hourly(self.demand, self.target, runs=False)
        horizon = Decimal(self.demand.spec.placement.rebalance.horizon_hours)
        cost = after * _hours(_start_hours(self.target)) + before * _hours(DRAIN_HOURS)
        return Saving(percent=_percent(before - after, before), usd=(before - after) * horizon, cost=cost)

    @property
    def cooldown_ends(self) -> datetime | None:
        """When a next move may be made, None when nothing has moved lately."""
        moved, now = self.attempt.history.moved_at, self.attempt.now
        if moved is None or now is None:
            return None
        until = moved + timedelta(seconds=self.demand.spec.placement.rebalance.cooldown_seconds)
        return until if now < until else None

    def _batch_saving(self) -> Saving:
        """A batch saves on the lines that are left; its new engine has to load once more."""
        left = Decimal(str(max(0.0, 1 - self.holding.done)))
        before = _total(self.current) * left
        load = sum((part.quote.run_rate.usd_per_hour for part in self.target.parts if part.quote), ZERO) * _hours(
            LOAD_HOURS
        )
        after = max(ZERO, _total(self.target) - load) * left
        hours_left = _longest(self.current) * float(left)
        horizon = self.demand.spec.placement.rebalance.horizon_hours
        share = Decimal(str(min(1.0, horizon / hours_left))) if hours_left else Decimal(1)
        return Saving(percent=_percent(before - after, before), usd=(before - after) * share, cost=load)


def overlapping(demand: Demand, target: Allocation) -> Allocation:
    """Return the target as it runs during the move: what stays part of it shrinks only when the move is over."""
    return reserving(demand, (not_smaller(part) for part in target.parts))


def already_moving(move: Move) -> str | None:
    """One move at a time."""
    return "a move is under way already" if move.under_way else None


def saves_too_little(move: Move) -> str | None:
    """rebalance.minSavingPercent."""
    percent, least = move.saving.percent, move.demand.spec.placement.rebalance.min_saving_percent
    return f"saves {percent:.1f} %, less than rebalance.minSavingPercent {least}" if percent < least else None


def costs_more(move: Move) -> str | None:
    """rebalance.horizonHours: the move itself costs money."""
    saving, horizon = move.saving, move.demand.spec.placement.rebalance.horizon_hours
    if saving.usd > saving.cost:
        return None
    return (
        f"moving costs USD {usd_text(saving.cost)} and saves USD {usd_text(saving.usd)} within "
        f"rebalance.horizonHours {horizon}"
    )


def not_wanted(move: Move) -> str | None:
    """rebalance.policy."""
    wanted = move.demand.spec.rebalance_policy is RebalancePolicy.WHEN_CHEAPER
    return None if wanted else "running work stays: rebalance.policy is Never"


def too_soon(move: Move) -> str | None:
    """rebalance.cooldownSeconds."""
    until, moved = move.cooldown_ends, move.attempt.history.moved_at
    if until is None or moved is None:
        return None
    return f"moved at {moved:%Y-%m-%d %H:%M}; not again before {until:%H:%M} UTC"


def too_late(move: Move) -> str | None:
    """A batch must still meet its deadline where it goes."""
    left = move.demand.hours_left(move.attempt.now)
    if left is None:
        return None
    needed = LOAD_HOURS + _longest(move.target) * (1 - move.holding.done)
    if needed <= left * DEADLINE_SHARE:
        return None
    return f"would take {duration_text(needed)} more; the deadline is in {duration_text(max(0.0, left))}"


def overlap_too_dear(move: Move) -> str | None:
    """Both run until the new one is ready: the overlap must be covered before it begins."""
    if move.attempt.batch:
        return None
    staying = {placement.name for placement in move.target.running}
    leaving = RunRate.sum(item.run_rate for item in move.holding.placements if item.name not in staying)
    overlap = overlapping(move.demand, move.target).claim + Charge(leaving)
    headroom = move.attempt.headroom
    return None if headroom.allows(overlap) else f"both would run while moving, and that {headroom.refusal(overlap)}"


REBALANCE = Chain(
    (Stay.UNDER_WAY, already_moving),
    (Stay.SAVES_TOO_LITTLE, saves_too_little),
    (Stay.COSTS_MORE, costs_more),
    (Stay.POLICY, not_wanted),
    (Stay.COOLDOWN, too_soon),
    (Stay.DEADLINE, too_late),
    (Stay.OVERLAP, overlap_too_dear),
)
"""What speaks against a move to something cheaper; nobody objecting, it is worth it."""


def _hourly(demand: Demand, allocation: Allocation, *, runs: bool) -> Decimal:
    """USD per hour of what is needed; of what somebody ordered, where the count is not the plan's."""
    owned = demand.spec.replicas is not None
    return sum(
        (
            part.quote.replica.usd_per_hour * (part.replicas if owned or not runs else part.count.recommended)
            for part in allocation.parts
            if part.quote
        ),
        ZERO,
    )


def _total(allocation: Allocation) -> Decimal:
    return sum((part.quote.claim.total.usd for part in allocation.parts if part.quote and part.quote.stated), ZERO)


def _longest(allocation: Allocation) -> float:
    return max((part.hours or 0.0) for part in allocation.parts)


def _start_hours(target: Allocation) -> float:
    """Hours from pod start to readiness, of the slowest part: weights over the link, then compilation."""
    return max(max(LOAD_HOURS, _load_hours(part)) for part in target.parts)


def _load_hours(part: Candidate) -> float:
    weights = part.memory.weights_gib * part.tensor_parallel_size * GIB if part.memory else 0.0
    return weights / LOAD_BYTES_PER_HOUR + COMPILE_HOURS


def _percent(saved: Decimal, before: Decimal) -> Decimal:
    return saved * 100 / before if before > 0 else ZERO


def _hours(value: float) -> Decimal:
    return Decimal(f"{value:.6f}")
