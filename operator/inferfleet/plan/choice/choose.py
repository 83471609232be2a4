"""From admitted candidates to what runs: keep it, resize it, move it, or take the cheapest.

In: an attempt, its candidates, and which of them are admitted. Out: a `Course`. Capacity and ledger are only read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from inferfleet.api.reasons import Reason
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.decision import Record
from inferfleet.domain.placement import Placement
from inferfleet.domain.refused import Refused
from inferfleet.domain.wording import usd_text
from inferfleet.plan.admission.admission import Admitted, Attempt
from inferfleet.plan.admission.backoff import Retained
from inferfleet.plan.choice.allocation import Allocation, alone
from inferfleet.plan.choice.mix import MOST_KINDS, cheapest_mixture, may_mix, resized
from inferfleet.plan.choice.placements import Names, nameable
from inferfleet.plan.choice.rebalance import REBALANCE, Move, Stay, overlapping
from inferfleet.plan.choice.record import recorded
from inferfleet.plan.choice.scale_down import stabilised


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What to run (`allocation` None: nothing can) and the record of all candidates.

    `retained` is what of the past it builds on. `moves`: it replaces something that could stay. `fewer_since` is since
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


def choose(attempt: Attempt, candidates: Sequence[Candidate], admitted: Admitted) -> Course:
    """Keep what runs if it may stay, else take the cheapest; move only where rebalance says so.

    `candidates` are the quoted ones, `admitted` the same as capacity and money leave them.
    """
    retained = attempt.retained
    for kept in (retained, retained.turned_back()) if retained.draining else (retained,):
        current = _running(attempt, admitted, kept)
        if current is None:
            continue
        sized = _sized(attempt, current)
        if sized.affordable:
            return _going_on(attempt, candidates, admitted, sized, kept)
        admitted = admitted.changed(partial(_unless_too_dear_together, attempt, sized.allocation))
    able = admitted.able
    best = alone(able[0]) if able else None
    allocation = cheapest_mixture(attempt, candidates, _serving(able)) or best
    return Course(allocation=allocation, candidates=recorded(admitted, allocation), retained=retained)


def taken_names(attempt: Attempt) -> Names:
    """Names that are not free for what something moves to: a batch hands on its own, real-time work runs on."""
    kept = tuple(item.name for item in attempt.retained.kept)
    spare = tuple(item.name for item in attempt.retained.released)
    return Names(heirs=kept, spare=spare) if attempt.batch else Names(taken=kept, spare=spare)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sized:
    """What runs with the counts it gets now, since when fewer replicas would do, and whether money allows it."""

    allocation: Allocation
    fewer_since: datetime | None = None
    affordable: bool = True


def _running(attempt: Attempt, admitted: Admitted, retained: Retained) -> Allocation | None:
    """What runs, where nothing but money may speak against it; what two kinds cost is asked of both together."""
    if len(retained.kept) < MOST_KINDS:
        return _allocated(admitted.able, retained.kept)
    if not may_mix(attempt.demand):
        return None
    return _allocated((_whatever_it_costs(item) for item in admitted.candidates if item.running), retained.kept)


def _allocated(candidates: Iterable[Candidate], kept: Sequence[Placement]) -> Allocation | None:
    """Return what runs as an allocation, None when nothing runs or a part of it is not feasible any more."""
    if not kept:
        return None
    by_name = {item.running.name: item for item in candidates if item.running and item.refusal is None}
    parts = tuple(by_name[placement.name] for placement in kept if placement.name in by_name)
    return Allocation(parts=parts) if len(parts) == len(kept) else None


def _whatever_it_costs(candidate: Candidate) -> Candidate:
    refused = candidate.refusal is not None and candidate.refusal.reason is Reason.OVER_BUDGET
    return candidate.refused(None) if refused else candidate


def _sized(attempt: Attempt, current: Allocation) -> _Sized:
    """Give what runs its counts; where another spec claims more than money allows, fewer replicas do not wait."""
    wanted = resized(attempt, current) if len(current.parts) > 1 else current
    kept, fewer_since = stabilised(
        attempt.demand, current, wanted, fewer_since=attempt.history.fewer_since, now=attempt.now
    )
    if attempt.admitted_before(*kept.parts) or attempt.affords(*kept.parts):
        return _Sized(allocation=kept, fewer_since=fewer_since)
    return _Sized(allocation=wanted, affordable=attempt.affords(*wanted.parts))


def _unless_too_dear_together(attempt: Attempt, mix: Allocation, candidate: Candidate) -> Candidate:
    """Refuse a part of a mix that cannot be paid for, unless it can serve alone."""
    ours = candidate.running is not None and candidate.running in mix.running
    if not ours or (candidate.refusal is None and not candidate.count.short):
        return candidate
    return candidate.refused(Refused(Reason.OVER_BUDGET, attempt.headroom.refusal(attempt.charge(*mix.parts))))


def _going_on(
    attempt: Attempt, candidates: Sequence[Candidate], admitted: Admitted, going_on: _Sized, retained: Retained
) -> Course:
    """Something runs and may stay, or move to something that is worth a move."""
    current = going_on.allocation
    move_to = partial(Move, attempt=attempt, current=current, under_way=bool(retained.draining))
    moves = [move_to(target=target) for target in _cheaper(attempt, candidates, admitted.able, current)]
    objections = [(move, REBALANCE.refusal(move)) for move in moves]
    target = next((move.target for move, objection in objections if objection is None), None)
    if target is not None:
        target = overlapping(attempt.demand, target)
    return Course(
        allocation=target or current,
        candidates=recorded(admitted, target or current, lambda candidate: _why_stay(move_to(target=alone(candidate)))),
        retained=retained,
        moves=target is not None,
        fewer_since=None if target else going_on.fewer_since,
        cheaper=None if target else _told(objections),
        until=min(
            (
                until
                for move, objection in objections
                if objection and objection.reason is Stay.COOLDOWN and (until := move.cooldown_ends)
            ),
            default=None,
        ),
    )


def _cheaper(
    attempt: Attempt, candidates: Sequence[Candidate], able: Sequence[Candidate], current: Allocation
) -> list[Allocation]:
    """What would serve the demand at less than what runs does, cheapest first."""
    others = [item for item in able if not item.running]
    found = [alone(item) for item in others if item.compared < current.compared and _carries(item, current)]
    mixture = cheapest_mixture(attempt, candidates, _serving(others))
    if mixture and mixture.compared < current.compared and len(mixture.running) < len(mixture.parts):
        found.append(mixture)
    names = taken_names(attempt)
    return sorted((item for item in found if nameable(attempt.demand, item, names)), key=lambda item: item.compared)


def _serving(candidates: Iterable[Candidate]) -> Candidate | None:
    """The first that carries the rate."""
    return next((item for item in candidates if item.serves), None)


def _carries(candidate: Candidate, current: Allocation) -> bool:
    """Whether a move to it loses nothing: it serves the rate, or as much of it as what runs and does not either."""
    lacking = len(current.parts) == 1 and not current.parts[0].serves
    return candidate.serves or (lacking and candidate.requests_per_second >= current.parts[0].requests_per_second)


def _why_stay(move: Move) -> str:
    objection = REBALANCE.refusal(move)
    return objection.message if objection else "something cheaper still was chosen"


def _told(objections: Sequence[tuple[Move, Refused[Stay] | None]]) -> str | None:
    """Say what a move would save, where it is worth one and only the policy does not allow it."""
    move = next((move for move, found in objections if found and found.reason is Stay.POLICY), None)
    if move is None:
        return None
    where = " + ".join(
        f"{part.replicas} x {part.tensor_parallel_size} {part.gpu_type} in pool {part.pool}"
        for part in move.target.parts
    )
    return (
        f"{where} would cost {move.saving.percent:.0f} % less: USD {usd_text(move.saving.usd)} within "
        "rebalance.horizonHours; spec.placement.rebalance.policy is Never"
    )
