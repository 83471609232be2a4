"""Decide for every demand: allowed, fits, fast enough, how many, priced, room for it, within budget, chosen, recorded.

In: an immutable world, the demands and the time. Out: one `Decision` each. Demands are served in a fixed order
(priority, first refused, namespace and name) against one capacity and one ledger, so two of them never get the same GPU
or dollar. The same world gives the same decisions in whatever order its objects are listed.
"""

from collections.abc import Sequence
from datetime import datetime

from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand
from inferfleet.domain.world import Policy, World
from inferfleet.plan.admission.attempt import Attempt
from inferfleet.plan.admission.backoff import stuck
from inferfleet.plan.choice.choose import choose
from inferfleet.plan.commit import commit, placed
from inferfleet.plan.cycle import Cycle
from inferfleet.plan.decisions import Outcome, ended, left_out, refused, released, suspended
from inferfleet.plan.validation import VALIDATION


def decide(world: World, demands: Sequence[Demand], *, now: datetime | None = None) -> tuple[Decision, ...]:
    """Decide for the demands, in order of who is served first; the result is sorted by namespace and name.

    `now` is the time that deadlines, pauses and waiting times are measured against, None where there is no clock
    (offline: a fresh start).
    """
    cycle = Cycle(world, now)
    turns = sorted(demands, key=lambda demand: _turn(demand, cycle.governed(demand.namespace_labels).policies))
    decisions = [_decide_one(cycle, demand) for demand in turns]
    return tuple(sorted(decisions, key=lambda decision: (decision.namespace, decision.name)))


def _decide_one(cycle: Cycle, demand: Demand) -> Decision:
    """One demand in six steps. `commit` is the only one that charges capacity and ledger."""
    attempt = cycle.attempt(demand)
    # 1 Validate: what has ended, contradicts itself, shall not run or waits for something else needs no pool.
    concluded = _concluded(cycle.world, attempt)
    if concluded is not None:
        return commit(attempt, concluded)
    # 2 Keep what stands (`attempt.retained`), and 3 assess, size and price every candidate beside it.
    shape = cycle.shape(demand)
    candidates = cycle.candidates(attempt, shape)
    # 4 Admit: capacity, back-offs, price, budget.
    admitted = cycle.admitted(attempt, shape, candidates)
    # 5 Choose: keep, resize, move, or take the cheapest.
    course = choose(attempt, candidates, admitted)
    # 6 Commit.
    if course.allocation is None:
        outcome = left_out(attempt, candidates, course, shape.calibrations, pools=cycle.considered(shape))
    else:
        outcome = placed(attempt, course, course.allocation, pools=cycle.considered(shape))
    return commit(attempt, outcome)


def _turn(demand: Demand, policies: tuple[Policy, ...]) -> tuple[int, float, str, str]:
    """Higher priority first (as far as policy lets it), then who was refused first, then the name."""
    rank = min([demand.spec.workload.priority.rank, *(policy.spec.max_priority.rank for policy in policies)])
    waited = demand.first_refused.timestamp() if demand.first_refused else float("inf")
    return (-rank, waited, demand.namespace, demand.name)


def _concluded(world: World, attempt: Attempt) -> Outcome | None:
    """The outcome where nothing is to be chosen, None where something is."""
    holding, now = attempt.holding, attempt.now
    if holding is not None and holding.finished:
        return ended(attempt, holding)
    refusal = VALIDATION.refusal(world, attempt)
    if refusal is not None:
        return refused(attempt, refusal)
    if attempt.demand.spec.replicas == 0:
        return suspended(attempt)
    waited = stuck(holding, now)
    return released(attempt, waited, now) if waited is not None and now is not None else None
