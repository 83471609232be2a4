"""Turn a course into a decision: charge stock and ledger, name and price what runs, and say what to remember.

In: a case and its course. Out: the `Decision`. Real-time work that moves keeps what it leaves until the successor is
ready; a batch leaves at once, because two must not write one output.
"""

from datetime import datetime

from inferfleet.api.enums import Role
from inferfleet.budget.ledger import claim_of
from inferfleet.budget.verdict import admitted
from inferfleet.domain.decision import Decision
from inferfleet.domain.history import History
from inferfleet.domain.placement import Placement
from inferfleet.plan.admission.backoff import MOVE_PATIENCE, next_change, ready
from inferfleet.plan.candidates.quote import counts
from inferfleet.plan.choice.allocation import Allocation
from inferfleet.plan.choice.choose import Case, Course
from inferfleet.plan.choice.placements import able_to_drain, usd_per_month
from inferfleet.plan.choice.record import praise, shares
from inferfleet.plan.choice.scale_down import PATIENCE
from inferfleet.plan.decisions import Names, placements


def carry_out(case: Case, course: Course) -> Decision:
    """Return the decision; from here on its GPUs and dollars are promised."""
    demand, allocation = case.demand, course.allocation
    assert allocation is not None
    placed = placements(demand, allocation, _names(case, course, allocation))
    draining = _draining(case, course, placed)
    for part in allocation.parts:
        more = part.replicas - (part.held.replicas if part.held else 0)
        case.gate.stock.promise(part.assessment.pool, part.assessment.tensor_parallel_size, more)
    claim = claim_of(demand, allocation.claimed_usd + usd_per_month(draining))
    verdict = admitted(case.gate.ledger.shortages(claim, case.gate.policies), claim, case.gate.policies, allocation)
    case.gate.ledger.record(claim)
    history = _history(case, course, placed)
    single = allocation.parts[0].assessment if len(allocation.parts) == 1 else None
    return Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=(*placed, *draining),
        candidates=course.candidates,
        blocked=None,
        message=_message(allocation, draining, history),
        budget=verdict,
        recommended_replicas=allocation.recommended,
        replicas_clamped=counts(demand, single.replicas).clamped if single else None,
        history=history,
        revisit_at=_revisit_at(case, course, history, moving=bool(draining)),
        cheaper=course.cheaper,
    )


def _names(case: Case, course: Course, allocation: Allocation) -> Names:
    """What replaces pods in place takes over their name, so that they are replaced one by one."""
    if course.moves:
        return case.names
    staying = {part.held.name for part in allocation.parts if part.held}
    left = [item.name for item in course.retained.staying if item.name not in staying]
    batch = case.demand.spec.batch is not None
    heirs = tuple(name for name in left if batch or (case.holding and case.holding.pods_of(name).scheduled))
    spare = (*(name for name in left if name not in heirs), *(item.name for item in course.retained.given_up))
    return Names(taken=tuple(item.name for item in course.retained.draining), heirs=heirs, spare=spare)


def _draining(case: Case, course: Course, placed: tuple[Placement, ...]) -> tuple[Placement, ...]:
    """What runs until the successor is ready: what was left just now, or lately."""
    names = {item.name for item in placed}
    leaving = course.retained.staying if course.moves else course.retained.draining
    if not course.moves and ready(case.holding, placed):
        return ()
    return able_to_drain(case.demand, (item for item in leaving if item.name not in names), case.pools)


def _history(case: Case, course: Course, placed: tuple[Placement, ...]) -> History:
    """Remember a change of place: whether it was wanted or forced, the next one waits for the cooldown."""
    before = case.holding.placements if case.holding else ()
    kinds = {_kind(item) for item in before if item.role is not Role.DRAINING}
    elsewhere = bool(kinds) and not {_kind(item) for item in placed} <= kinds
    return History(
        moved_at=case.now if elsewhere and case.now else case.history.moved_at,
        fewer_since=course.fewer_since,
        back_offs=course.retained.back_offs,
    )


def _kind(item: Placement) -> tuple[str, str, int]:
    return (item.pool, item.capacity_type, item.tensor_parallel_size)


def _message(allocation: Allocation, draining: tuple[Placement, ...], history: History) -> str:
    parts = [" + ".join(praise(part) for part in allocation.parts)]
    if len(allocation.parts) > 1:
        parts.append(shares(allocation))
    if draining:
        names = ", ".join(f"{item.replicas} x {item.gpu_type} in pool {item.pool}" for item in draining)
        parts.append(f"moving: {names} runs until this is ready")
    running = sum(part.replicas for part in allocation.parts)
    if history.fewer_since is not None and allocation.recommended < running:
        until = history.fewer_since + PATIENCE
        parts.append(f"{allocation.recommended} would do; {running} stay until {until:%H:%M} UTC")
    return "; ".join(parts)


def _revisit_at(case: Case, course: Course, history: History, *, moving: bool) -> datetime | None:
    """When time alone may change this decision."""
    if case.now is None:
        return None
    times = [next_change(course.retained, case.holding, case.now), course.until]
    if history.fewer_since is not None:
        times.append(history.fewer_since + PATIENCE)
    if moving and history.moved_at is not None:
        times.append(history.moved_at + MOVE_PATIENCE)
    return min((time for time in times if time is not None and time > case.now), default=None)
