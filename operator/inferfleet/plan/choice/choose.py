"""From offers to what runs: keep it, resize it, move it, or find something new.

In: a `Case`, which is one demand with everything that stands between its offers and today. Out: a `Course`. Stock and
ledger are only read here; `carry_out` charges them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inferfleet.api.enums import Role
from inferfleet.api.reasons import Reason
from inferfleet.domain.decision import Record
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.history import NO_HISTORY, History
from inferfleet.domain.wording import usd_text
from inferfleet.domain.world import Pool
from inferfleet.plan.admission.admission import Gate
from inferfleet.plan.admission.backoff import Retained
from inferfleet.plan.candidates.cache import CandidateCache
from inferfleet.plan.candidates.filters import Refusal
from inferfleet.plan.candidates.quote import Option
from inferfleet.plan.choice.allocation import Allocation, alone, running
from inferfleet.plan.choice.mix import MOST_KINDS, cheapest_mixture, may_mix, resized
from inferfleet.plan.choice.rebalance import Mover, Objection, overlapping
from inferfleet.plan.choice.record import feasible, recorded
from inferfleet.plan.choice.scale_down import patient
from inferfleet.plan.decisions import Names, nameable


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One demand: what it holds, what of that stands, what is offered, and what stands in between.

    `shelf` is where the offers come from when others of the shape have the same (None: they are this demand's alone).
    """

    demand: Demand
    holding: Holding | None
    retained: Retained
    gate: Gate
    offered: Sequence[Option]
    cache: CandidateCache | None
    pools: tuple[Pool, ...]
    now: datetime | None

    @property
    def history(self) -> History:
        """What is remembered of earlier decisions."""
        return self.holding.history if self.holding else NO_HISTORY

    @property
    def names(self) -> Names:
        """Names that are not free for what something moves to: a batch hands on its own, real-time work runs on."""
        held = tuple(item.name for item in self.retained.staying)
        spare = tuple(item.name for item in self.retained.given_up)
        batch = self.demand.spec.batch is not None
        return Names(heirs=held, spare=spare) if batch else Names(taken=held, spare=spare)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What to run (`arrangement` None: nothing can) and the record of all options.

    `stands` is what of the past it builds on. `moves`: it replaces something that could stay. `fewer_since` is since
    when fewer replicas would do, `cheaper` what only the policy Never keeps from being done, and `until` when a move
    that is too early now may be made.
    """

    allocation: Allocation | None
    candidates: Record
    retained: Retained
    moves: bool = False
    fewer_since: datetime | None = None
    cheaper: str | None = None
    until: datetime | None = None


def choose(case: Case) -> Course:
    """Keep what runs if it may stay, else take the cheapest; move only where rebalance says so."""
    settled, able = _settled(case)
    for retained in (case.retained, _turned_back(case.retained)) if case.retained.draining else (case.retained,):
        current = _running(case, settled, able, retained)
        if current is None:
            continue
        sized = _sized(case, current)
        if sized.affordable:
            return _going_on(case, settled, able, sized, retained)
        settled = tuple(_too_dear_together(case.gate, option, sized.allocation) for option in settled)
        able = feasible(settled)
    best = alone(able[0]) if able else None
    mixture = cheapest_mixture(case.gate, case.offered, _serving(able)) if may_mix(case.demand) else None
    allocation = mixture or best
    return Course(allocation=allocation, candidates=recorded(settled, able, allocation), retained=case.retained)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sized:
    """What runs with the counts it gets now, since when fewer replicas would do, and whether money allows it."""

    allocation: Allocation
    fewer_since: datetime | None = None
    affordable: bool = True


def _running(case: Case, settled: Sequence[Option], able: Sequence[Option], retained: Retained) -> Allocation | None:
    """What runs, where nothing but money may speak against it; what two kinds cost is asked of both together."""
    if len(retained.staying) < MOST_KINDS:
        return running(able, retained.staying)
    if not may_mix(case.demand):
        return None
    return running((_whatever_it_costs(option) for option in settled if option.held), retained.staying)


def _whatever_it_costs(option: Option) -> Option:
    refused = option.refusal is not None and option.refusal.reason is Reason.OVER_BUDGET
    return replace(option, refusal=None) if refused else option


def _sized(case: Case, current: Allocation) -> _Sized:
    """Give what runs its counts; where another spec claims more than money allows, fewer replicas do not wait."""
    gate = case.gate
    wanted = resized(gate, current) if len(current.parts) > 1 else current
    kept, fewer_since = patient(case.demand, current, wanted, fewer_since=case.history.fewer_since, now=case.now)
    if gate.admitted(*kept.parts) or gate.affords(*kept.parts):
        return _Sized(allocation=kept, fewer_since=fewer_since)
    return _Sized(allocation=wanted, affordable=gate.affords(*wanted.parts))


def _too_dear_together(gate: Gate, option: Option, mix: Allocation) -> Option:
    """Refuse a part of a mix that cannot be paid for, unless it can serve alone."""
    ours = option.held is not None and any(option.held is part.held for part in mix.parts)
    if not ours or (option.refusal is None and not option.short):
        return option
    usd = gate.claimed_usd(*mix.parts)
    return replace(option, refusal=Refusal(Reason.OVER_BUDGET, gate.money.refusal(usd)))


def _settled(case: Case) -> tuple[tuple[Option, ...], list[Option]]:
    """What stock and money leave of the offers today, and what is feasible of it."""
    if case.cache is not None and case.gate.only_money:
        standing, able = case.cache.standing()
        afforded = case.gate.afford(standing, case.cache.largest)
        return (standing, able) if afforded is standing else (afforded, feasible(afforded))
    settled = case.gate.settle(case.offered)
    return settled, feasible(settled)


def _turned_back(retained: Retained) -> Retained:
    """What was to leave stays, and what was to replace it is given up."""
    back = tuple(replace(item, role=Role.BASE) for item in retained.draining)
    return replace(retained, staying=back, draining=(), given_up=(*retained.given_up, *retained.staying))


def _going_on(
    case: Case, settled: tuple[Option, ...], able: list[Option], going_on: _Sized, retained: Retained
) -> Course:
    """Something runs and may stay, or move to something that is worth a move."""
    assert case.holding is not None
    sized = going_on.allocation
    mover = Mover(
        demand=case.demand,
        holding=case.holding,
        current=sized,
        money=case.gate.money,
        now=case.now,
        under_way=bool(retained.draining),
    )
    targets = _cheaper(case, able, sized)
    objections = [mover.objection(target) for target in targets]
    moved = next((target for target, found in zip(targets, objections, strict=True) if found is None), None)
    if moved is not None:
        moved = overlapping(case.demand, moved)
    return Course(
        allocation=moved or sized,
        candidates=recorded(settled, able, moved or sized, lambda option: _why_stay(mover, option)),
        retained=retained,
        moves=moved is not None,
        fewer_since=None if moved else going_on.fewer_since,
        cheaper=None if moved else _told(mover, targets, objections),
        until=min((found.until for found in objections if found and found.until), default=None),
    )


def _cheaper(case: Case, able: list[Option], current: Allocation) -> list[Allocation]:
    """What would serve the demand at less than what runs does, cheapest first."""
    others = [option for option in able if not option.held]
    found = [alone(option) for option in others if option.comparable < current.comparable and _carries(option, current)]
    if may_mix(case.demand):
        mixture = cheapest_mixture(case.gate, case.offered, _serving(others))
        if mixture and mixture.comparable < current.comparable and not all(part.held for part in mixture.parts):
            found.append(mixture)
    named = [target for target in found if nameable(case.demand, target, case.names)]
    return sorted(named, key=lambda item: item.comparable)


def _serving(options: Iterable[Option]) -> Option | None:
    """The first that carries the rate."""
    return next((option for option in options if option.serves), None)


def _carries(option: Option, current: Allocation) -> bool:
    """Whether a move to it loses nothing: it serves the rate, or as much of it as what runs and does not either."""
    lacking = len(current.parts) == 1 and not current.parts[0].serves
    return option.serves or (lacking and option.requests_per_second >= current.parts[0].requests_per_second)


def _why_stay(mover: Mover, option: Option) -> str:
    objection = mover.objection(alone(option))
    return objection.message if objection else "something cheaper still was chosen"


def _told(mover: Mover, targets: list[Allocation], objections: list[Objection | None]) -> str | None:
    """Say what a move would save, where it is worth one and only the policy does not allow it."""
    target = next(
        (target for target, found in zip(targets, objections, strict=True) if found and found.by_policy), None
    )
    if target is None:
        return None
    where = " + ".join(
        f"{part.replicas} x {part.assessment.tensor_parallel_size} {part.assessment.gpu_type} in pool "
        f"{part.assessment.pool}"
        for part in target.parts
    )
    saving = mover.saving(target)
    return (
        f"{where} would cost {saving.percent:.0f} % less: USD {usd_text(saving.usd)} within rebalance.horizonHours; "
        "spec.placement.rebalance.policy is Never"
    )
