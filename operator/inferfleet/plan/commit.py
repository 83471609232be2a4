"""The one exit of a decision: name and price what runs, say what to remember, and charge capacity and ledger.

In: an attempt and its course. Out: the `Decision`; from then on its GPUs and dollars are promised. Real-time work that
moves keeps what it leaves until the successor is ready; a batch leaves at once, because two must not write one output.
"""

from datetime import datetime

from inferfleet.budget import admitted, claim_of, enforced
from inferfleet.domain.decision import Decision
from inferfleet.domain.history import History
from inferfleet.domain.money import Charge, RunRate
from inferfleet.domain.placement import Placement, staying
from inferfleet.plan.admission.admission import Attempt
from inferfleet.plan.admission.backoff import MOVE_TIMEOUT
from inferfleet.plan.candidates.sizing import wanted_replicas
from inferfleet.plan.choice.allocation import Allocation
from inferfleet.plan.choice.choose import Course, taken_names
from inferfleet.plan.choice.placements import Names, placements
from inferfleet.plan.choice.record import praise, shares
from inferfleet.plan.choice.scale_down import STABILISATION_WINDOW
from inferfleet.plan.decisions import Outcome


def commit(attempt: Attempt, outcome: Outcome) -> Decision:
    """Charge what the outcome promises and claims, and return its decision."""
    for pool, size, replicas in outcome.promised:
        attempt.capacity.promise(pool, size, replicas)
    attempt.ledger.record(outcome.claim)
    return outcome.decision


def placed(attempt: Attempt, course: Course, allocation: Allocation, *, pools: frozenset[str]) -> Outcome:
    """Something runs: as it did, with another count, moved, or for the first time. `pools` could change that."""
    demand = attempt.demand
    runs = placements(demand, allocation, _names(attempt, course, allocation))
    drains = _draining(attempt, course, runs)
    claim = claim_of(demand, allocation.claim + Charge(RunRate.sum(item.run_rate for item in drains)))
    history = _history(attempt, course, runs)
    single = allocation.parts[0] if len(allocation.parts) == 1 else None
    warnings = (attempt.ledger.warning(policy, claim) for policy in attempt.policies if not enforced(policy))
    held_back = f"{allocation.short} more replicas are wanted and held back: {allocation.short_message}"
    decision = Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=(*runs, *drains),
        candidates=course.candidates,
        blocked=None,
        message=_message(allocation, drains, history),
        budget=admitted(
            claim,
            attempt.policies,
            warnings=[warning for warning in warnings if warning is not None],
            held_back=held_back if allocation.short else "",
        ),
        recommended_replicas=allocation.recommended,
        replicas_clamped=wanted_replicas(demand, single.needed).clamped if single else None,
        history=history,
        revisit_at=_revisit_at(attempt, course, history, moving=bool(drains)),
        cheaper=course.cheaper,
        pools=pools,
    )
    return Outcome(decision=decision, claim=claim, promised=_promised(allocation))


def _promised(allocation: Allocation) -> tuple[tuple[str, int, int], ...]:
    """Replicas that do not run yet."""
    more = (
        (part.pool, part.tensor_parallel_size, part.replicas - (part.running.replicas if part.running else 0))
        for part in allocation.parts
    )
    return tuple(item for item in more if item[2] > 0)


def _names(attempt: Attempt, course: Course, allocation: Allocation) -> Names:
    """What replaces pods in place takes over their name, so that they are replaced one by one."""
    if course.moves:
        return taken_names(attempt)
    retained, holding = course.retained, attempt.holding
    stays = {placement.name for placement in allocation.running}
    left = [item.name for item in retained.kept if item.name not in stays]
    heirs = tuple(name for name in left if attempt.batch or (holding and holding.pods_of(name).scheduled))
    spare = (*(name for name in left if name not in heirs), *(item.name for item in retained.released))
    return Names(taken=tuple(item.name for item in retained.draining), heirs=heirs, spare=spare)


def _draining(attempt: Attempt, course: Course, runs: tuple[Placement, ...]) -> tuple[Placement, ...]:
    """What runs until the successor is ready: what was left just now, or lately."""
    leaving = course.retained.kept if course.moves else course.retained.draining
    if not leaving or (not course.moves and attempt.holding is not None and attempt.holding.ready(runs)):
        return ()
    names = {item.name for item in runs}
    return attempt.able_to_drain(item for item in leaving if item.name not in names)


def _history(attempt: Attempt, course: Course, runs: tuple[Placement, ...]) -> History:
    """Remember a change of place: whether it was wanted or forced, the next one waits for the cooldown."""
    before = staying(attempt.holding.placements) if attempt.holding else ()
    kinds = {item.kind for item in before}
    moved = bool(kinds) and not {item.kind for item in runs} <= kinds
    return History(
        moved_at=attempt.now if moved and attempt.now else attempt.history.moved_at,
        fewer_since=course.fewer_since,
        back_offs=course.retained.back_offs,
    )


def _message(allocation: Allocation, drains: tuple[Placement, ...], history: History) -> str:
    parts = [" + ".join(praise(part) for part in allocation.parts)]
    if len(allocation.parts) > 1:
        parts.append(shares(allocation))
    if drains:
        names = ", ".join(
            f"{item.replicas} x {item.tensor_parallel_size} {item.gpu_type} in pool {item.pool}" for item in drains
        )
        parts.append(f"moving: {names} runs until this is ready")
    if history.fewer_since is not None and allocation.recommended < allocation.replicas:
        until = history.fewer_since + STABILISATION_WINDOW
        parts.append(f"{allocation.recommended} would do; {allocation.replicas} stay until {until:%H:%M} UTC")
    return "; ".join(parts)


def _revisit_at(attempt: Attempt, course: Course, history: History, *, moving: bool) -> datetime | None:
    """When time alone may change this decision."""
    now = attempt.now
    if now is None:
        return None
    times = [course.retained.next_change, course.until]
    if history.fewer_since is not None:
        times.append(history.fewer_since + STABILISATION_WINDOW)
    if moving and history.moved_at is not None:
        times.append(history.moved_at + MOVE_TIMEOUT)
    return min((time for time in times if time is not None and time > now), default=None)
