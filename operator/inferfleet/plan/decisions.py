"""Decisions that start nothing: work that has ended, is suspended, or cannot be served.

In: an attempt and why. Out: an `Outcome`: the decision, and what its owner holds from now on. What was admitted before
keeps running and keeps its reservation, unless it is given up here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inferfleet.api.enums import CapacityType
from inferfleet.api.reasons import ReadyReason
from inferfleet.budget import Claim, claim_of, holding_claim, not_admitted, nothing_reserved
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Holding
from inferfleet.domain.model import Model
from inferfleet.domain.money import NOTHING
from inferfleet.domain.placement import staying
from inferfleet.domain.refused import Refused
from inferfleet.domain.world import World
from inferfleet.engine.calibration import Calibrations
from inferfleet.plan.admission.admission import Attempt
from inferfleet.plan.admission.backoff import FIRST_PAUSE, stuck, without_released
from inferfleet.plan.candidates.spot import at_risk_from
from inferfleet.plan.choice.choose import Course
from inferfleet.plan.choice.out_of_memory import explained, surviving
from inferfleet.plan.choice.record import obstacle
from inferfleet.plan.validation import VALIDATION

ENDED = "the batch has ended; nothing is reserved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A decision, what its owner holds from now on, and the GPUs that are promised with it.

    `promised` are pool, tensor parallel size and count of replicas that are new.
    """

    decision: Decision
    claim: Claim
    promised: tuple[tuple[str, int, int], ...] = ()


def concluded(world: World, attempt: Attempt) -> Outcome | None:
    """The outcome where nothing is to be chosen, None where something is."""
    holding, now = attempt.holding, attempt.now
    if holding is not None and holding.finished:
        return _ended(attempt, holding)
    refusal = VALIDATION.refusal(world, attempt)
    if refusal is not None:
        return _unserved(attempt, holding, refusal)
    if attempt.demand.spec.replicas == 0:
        return _suspended(attempt)
    waited = stuck(holding, now)
    return _released(attempt, waited, now) if waited is not None and now is not None else None


def _ended(attempt: Attempt, holding: Holding) -> Outcome:
    """A batch whose Job has ended stays as it ended: it is not placed again and holds nothing any more.

    An edit does not run it again either: an edit of a label in a manifest must not cost a night of GPUs.
    """
    demand, same = attempt.demand, attempt.same_spec
    message = "spec: the batch ended before this change, which is not run; create another InferenceDeployment for it"
    decision = Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=holding.placements,
        candidates=(),
        blocked=None if same else ReadyReason.INVALID_SPEC,
        message=ENDED if same else message,
        budget=nothing_reserved(ENDED, attempt.policies, ended=True),
        ended=True,
        history=holding.history,
    )
    return Outcome(decision=decision, claim=claim_of(demand, NOTHING))


def _suspended(attempt: Attempt) -> Outcome:
    """The decision to run nothing, as asked."""
    demand = attempt.demand
    decision = Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=(),
        candidates=(),
        blocked=None,
        message="spec.replicas is 0: nothing runs and nothing is reserved; set it, or remove it to let the plan count",
        budget=nothing_reserved("nothing is reserved", attempt.policies),
        suspended=True,
    )
    return Outcome(decision=decision, claim=claim_of(demand, NOTHING))


def _released(attempt: Attempt, message: str, now: datetime) -> Outcome:
    """No pod could be scheduled, and more nodes would not help: nothing is held until it is asked for again."""
    outcome = _unserved(attempt, None, Refused(ReadyReason.UNSCHEDULABLE, message))
    return replace(outcome, decision=replace(outcome.decision, revisit_at=now + FIRST_PAUSE))


def left_out(
    attempt: Attempt,
    candidates: Sequence[Candidate],
    course: Course,
    calibrations: Calibrations,
    *,
    pools: frozenset[str],
) -> Outcome:
    """Nothing can serve it: give up what did not come or ran out of memory, end a move that is over, say why.

    `pools` could change that.
    """
    holding = _arrived(without_released(attempt.holding, attempt.retained))
    left = surviving(holding, calibrations)
    why = explained(obstacle(course.candidates), course.candidates, calibrations, released=left != holding)
    outcome = _unserved(attempt, left, why, course.candidates)
    decision = replace(
        outcome.decision,
        history=replace(attempt.history, back_offs=attempt.retained.back_offs),
        revisit_at=_revisit_at(attempt, candidates),
        pools=pools,
    )
    return replace(outcome, decision=decision)


def _unserved(
    attempt: Attempt, left: Holding | None, why: Refused[ReadyReason], candidates: Sequence[Candidate] = ()
) -> Outcome:
    demand = attempt.demand
    claim = holding_claim(left) if left else claim_of(demand, NOTHING)
    decision = Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=left.placements if left else (),
        candidates=candidates,
        blocked=why.reason,
        message=why.message,
        budget=not_admitted(why, claim.charge, attempt.policies),
        pending=not isinstance(demand.model, Model) and demand.model.pending,
        history=attempt.history,
    )
    return Outcome(decision=decision, claim=claim)


def _arrived(holding: Holding | None) -> Holding | None:
    """Return the holding without what drains, where all that was to take its place is ready."""
    stays = staying(holding.placements) if holding else ()
    if holding is None or not stays or len(stays) == len(holding.placements) or not holding.ready(stays):
        return holding
    return replace(holding, placements=stays)


def _revisit_at(attempt: Attempt, candidates: Sequence[Candidate]) -> datetime | None:
    """When time alone may change a refusal: a pause ends, a batch may leave spot, its deadline passes."""
    now, demand = attempt.now, attempt.demand
    if now is None:
        return None
    spot = [item for item in candidates if item.capacity_type is CapacityType.SPOT]
    times = (attempt.retained.next_change, at_risk_from(demand, spot), demand.deadline)
    return min((time for time in times if time is not None and time > now), default=None)
