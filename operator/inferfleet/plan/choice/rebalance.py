"""Is a cheaper arrangement worth moving to? `spec.placement.rebalance` answers, with the move itself priced.

In: what runs, what is cheaper, the money and the history. Out: the objection to a move, or none. Real-time work moves
make-before-break: both run until the successor is ready, so the overlap must be affordable. A batch stops, moves and
goes on from the lines that are finished. Must not move anything.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from inferfleet.api.enums import RebalancePolicy
from inferfleet.budget.ledger import Headroom
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.money import HOURS_PER_MONTH
from inferfleet.domain.wording import duration_text, usd_text
from inferfleet.plan.candidates.assess import DEADLINE_SHARE, LOAD_HOURS
from inferfleet.plan.candidates.quote import ZERO, Option
from inferfleet.plan.choice.allocation import Allocation, reserving
from inferfleet.plan.choice.placements import usd_per_month
from inferfleet.plan.choice.scale_down import not_smaller
from inferfleet.plan.deadline import hours_left

GIB = 2**30
# The rates behind render/probes.py: weights arrive at 100 MB/s at least, compilation and graph capture take minutes.
LOAD_BYTES_PER_HOUR = 100_000_000 * 3600
COMPILE_HOURS = 300 / 3600
# Both placements run while the old pods finish their requests: the 150 s of an orderly end (render/probes.py).
DRAIN_HOURS = 150 / 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What a move saves: per cent of the present cost, USD over the horizon, and the USD that the move costs."""

    percent: Decimal
    usd: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """Why a move is not made; `by_policy` is True when only the policy Never stands in the way."""

    message: str
    by_policy: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """The rule for one demand and what it runs."""

    demand: Demand
    holding: Holding
    current: Allocation
    money: Headroom
    now: datetime | None
    under_way: bool = False

    def saving(self, target: Allocation) -> Saving:
        """Compare the target with what runs, over what is left of the work or the horizon."""
        if self.demand.spec.batch is not None:
            return self._batch_saving(target)
        before, after = self._hourly(self.current, kept=True), self._hourly(target, kept=False)
        horizon = Decimal(self.demand.spec.placement.rebalance.horizon_hours)
        cost = after * _hours(_start_hours(target)) + before * _hours(DRAIN_HOURS)
        return Saving(percent=_percent(before - after, before), usd=(before - after) * horizon, cost=cost)

    def objection(self, target: Allocation) -> Objection | None:
        """Return the first thing that speaks against a move to something cheaper, None when it is worth it."""
        rules = self.demand.spec.placement.rebalance
        if self.under_way:
            return Objection(message="a move is under way already")
        saving = self.saving(target)
        if saving.percent < rules.min_saving_percent:
            return Objection(
                message=f"saves {saving.percent:.1f} %, less than rebalance.minSavingPercent {rules.min_saving_percent}"
            )
        if saving.usd <= saving.cost:
            return Objection(
                message=f"moving costs USD {usd_text(saving.cost)} and saves USD {usd_text(saving.usd)} within "
                f"rebalance.horizonHours {rules.horizon_hours}"
            )
        if self.demand.spec.rebalance_policy is not RebalancePolicy.WHEN_CHEAPER:
            return Objection(message="running work stays: rebalance.policy is Never", by_policy=True)
        return self._too_soon() or self._too_late(target) or self._unaffordable(target)

    def _too_soon(self) -> Objection | None:
        moved = self.holding.history.moved_at
        if moved is None or self.now is None:
            return None
        until = moved + timedelta(seconds=self.demand.spec.placement.rebalance.cooldown_seconds)
        if self.now >= until:
            return None
        return Objection(message=f"moved at {moved:%Y-%m-%d %H:%M}; not again before {until:%H:%M} UTC", until=until)

    def _too_late(self, target: Allocation) -> Objection | None:
        """A batch must still meet its deadline where it goes."""
        left = hours_left(self.demand, self.now)
        if left is None:
            return None
        needed = LOAD_HOURS + max((part.assessment.hours or 0.0) for part in target.parts) * (1 - self.holding.done)
        if needed <= left * DEADLINE_SHARE:
            return None
        return Objection(
            message=f"would take {duration_text(needed)} more; the deadline is in {duration_text(max(0.0, left))}"
        )

    def _unaffordable(self, target: Allocation) -> Objection | None:
        """Both run until the new one is ready: the overlap must be covered before it begins."""
        if self.demand.spec.batch is not None:
            return None
        overlap = overlapping(self.demand, target).claimed_usd + leaving_usd(self.holding, target)
        if self.money.allows(overlap):
            return None
        return Objection(message=f"both would run while moving, and that {self.money.refusal(overlap)}")

    def _hourly(self, allocation: Allocation, *, kept: bool) -> Decimal:
        """USD per hour of what is needed; of what somebody ordered, where the count is not the plan's."""
        owned = self.demand.spec.replicas is not None
        return (
            sum(
                (
                    (part.replicas if owned or not kept else part.recommended) * part.replica_usd_per_month
                    for part in allocation.parts
                ),
                ZERO,
            )
            / HOURS_PER_MONTH
        )

    def _batch_saving(self, target: Allocation) -> Saving:
        """A batch saves on the lines that are left; its new engine has to load once more."""
        left = Decimal(str(max(0.0, 1 - self.holding.done)))
        before = _total(self.current) * left
        hourly = sum((part.usd_per_hour or ZERO for part in target.parts), ZERO)
        load = hourly * _hours(LOAD_HOURS)
        after = max(ZERO, _total(target) - load) * left
        hours_left = max(((part.assessment.hours or 0.0) for part in self.current.parts), default=0.0) * float(left)
        horizon = self.demand.spec.placement.rebalance.horizon_hours
        share = Decimal(str(min(1.0, horizon / hours_left))) if hours_left else Decimal(1)
        return Saving(percent=_percent(before - after, before), usd=(before - after) * share, cost=load)


def leaving_usd(holding: Holding, target: Allocation) -> Decimal:
    """USD per month of what runs now and is not part of the target."""
    staying = {part.held.name for part in target.parts if part.held}
    return usd_per_month(item for item in holding.placements if item.name not in staying)


def overlapping(demand: Demand, target: Allocation) -> Allocation:
    """Return the target as it runs during the move: what stays part of it shrinks only when the move is over."""
    return reserving(demand, (not_smaller(part) for part in target.parts))


def _total(allocation: Allocation) -> Decimal:
    return sum((part.usd_total or ZERO for part in allocation.parts), ZERO)


def _start_hours(target: Allocation) -> float:
    """Hours from pod start to readiness, of the slowest part: weights over the link, then compilation."""
    return max(max(LOAD_HOURS, _load_hours(part)) for part in target.parts)


def _load_hours(part: Option) -> float:
    estimate, size = part.assessment.memory, part.assessment.tensor_parallel_size
    weights = estimate.weights_gib * size * GIB if estimate else 0.0
    return weights / LOAD_BYTES_PER_HOUR + COMPILE_HOURS


def _percent(saved: Decimal, before: Decimal) -> Decimal:
    return saved * 100 / before if before > 0 else ZERO


def _hours(value: float) -> Decimal:
    return Decimal(f"{value:.6f}")
