"""Decide for every demand: allowed, fits, fast enough, how many, priced, in stock, within budget, chosen, recorded.

In: an immutable world, the demands and the time. Out: one `Decision` each. Demands are served in a fixed order
(priority, first refused, namespace and name) against one stock and one ledger, so two of them never get the same GPU or
dollar. The same world gives the same decisions in whatever order its objects are listed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inferfleet.api.enums import CapacityType
from inferfleet.budget.ledger import Ledger, claim_of, held_claim
from inferfleet.budget.policies import Rules, combine, matching, selects
from inferfleet.budget.pricing import price_of
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand, Holding, Labels
from inferfleet.domain.gpu import Price
from inferfleet.domain.history import NO_HISTORY
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Policy, Pool, World
from inferfleet.plan.admission.admission import Gate
from inferfleet.plan.admission.backoff import FIRST_PAUSE, next_change, released, standing, stuck
from inferfleet.plan.admission.capacity import Stock
from inferfleet.plan.candidates.assess import Assessment, Site, assess, site_of
from inferfleet.plan.candidates.cache import CandidateCache
from inferfleet.plan.candidates.quote import ZERO, Option, offers
from inferfleet.plan.candidates.running import as_running
from inferfleet.plan.candidates.shape import Shape, shape_of
from inferfleet.plan.candidates.spot import at_risk_from, spot_first
from inferfleet.plan.choice.choose import Case, Course, choose
from inferfleet.plan.choice.out_of_memory import after_out_of_memory, surviving
from inferfleet.plan.choice.placements import able_to_drain, arrived
from inferfleet.plan.choice.record import obstacle
from inferfleet.plan.commit import carry_out
from inferfleet.plan.deadline import overdue
from inferfleet.plan.decisions import ended_before, finished, suspended, unserved
from inferfleet.plan.validation import barrier


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """One planning pass: the world, and the scratch pads that it is charged against."""

    world: World
    sites: tuple[Site, ...]
    pools: tuple[Pool, ...]
    prices: dict[str, Price | None]
    stock: Stock
    ledger: Ledger
    now: datetime | None
    assessed: dict[Shape, tuple[Assessment, ...]]
    shelves: dict[tuple[Shape, int | None], CandidateCache]
    considered: dict[Shape, frozenset[str]]
    rules: dict[Labels, tuple[tuple[Policy, ...], Rules, frozenset[str]]]

    def governed(self, labels: Labels) -> tuple[tuple[Policy, ...], Rules, frozenset[str]]:
        """Return what applies to a namespace: its policies, what they allow, the dedicated pools open to it."""
        if labels not in self.rules:
            policies = matching(self.world, labels)
            open_pools = (pool.name for pool in self.world.pools if selects(pool.namespace_selector, labels))
            self.rules[labels] = (policies, combine(policies), frozenset(open_pools))
        return self.rules[labels]


def decide(world: World, demands: Sequence[Demand], *, now: datetime | None = None) -> tuple[Decision, ...]:
    """Decide for the demands, in order of who is served first; the result is sorted by namespace and name.

    `now` is the time that deadlines, pauses and waiting times are measured against, None where there is no clock
    (offline: a fresh start).
    """
    sites = tuple(site_of(pool) for pool in sorted(world.pools, key=lambda pool: pool.name))
    planning = _Pass(
        world=world,
        sites=sites,
        pools=tuple(site.pool for site in sites),
        prices={pool.name: price_of(pool) for pool in world.pools},
        stock=Stock(world),
        ledger=Ledger(world),
        now=now,
        assessed={},
        shelves={},
        considered={},
        rules={},
    )
    turns = sorted(demands, key=lambda demand: _turn(demand, planning.governed(demand.namespace_labels)[0]))
    decisions = [_decide_one(planning, demand) for demand in turns]
    return tuple(sorted(decisions, key=lambda decision: (decision.namespace, decision.name)))


def _turn(demand: Demand, policies: tuple[Policy, ...]) -> tuple[int, float, str, str]:
    """Higher priority first (as far as policy lets it), then who was refused first, then the name."""
    rank = min([demand.spec.workload.priority.rank, *(policy.spec.max_priority.rank for policy in policies)])
    waited = demand.first_refused.timestamp() if demand.first_refused else float("inf")
    return (-rank, waited, demand.namespace, demand.name)


def _decide_one(planning: _Pass, demand: Demand) -> Decision:
    holding = planning.world.holdings.get(demand.uid)
    policies, rules, dedicated = planning.governed(demand.namespace_labels)
    if holding is not None and holding.finished:
        planning.ledger.record(claim_of(demand, ZERO))
        return finished(demand, holding) if _same_spec(demand, holding) else ended_before(demand, holding)
    history = holding.history if holding else NO_HISTORY
    stopped = barrier(planning.world, demand, policies) or overdue(demand, holding, planning.now)
    if stopped is not None:
        return unserved(demand, holding, stopped, (), policies, history=history)
    if demand.spec.replicas == 0:
        planning.ledger.record(claim_of(demand, ZERO))
        return suspended(demand, policies)
    waited = stuck(holding, planning.now)
    if waited is not None and planning.now is not None:
        planning.ledger.record(claim_of(demand, ZERO))
        decision = unserved(demand, None, waited, (), policies, history=history)
        return replace(decision, revisit_at=planning.now + FIRST_PAUSE)
    shape = shape_of(demand, rules, planning.world.calibrations, dedicated_pools=dedicated)
    retained = standing(holding, planning.now)
    cache = _cache(planning, demand, shape, retained.held)
    offered = cache.offered if cache else _offers(planning, demand, shape, holding, retained.held)
    gate = Gate(
        demand=demand,
        policies=policies,
        held=retained.held,
        stock=planning.stock,
        ledger=planning.ledger,
        excluded_pools=retained.excluded,
        limits=retained.limits,
        same_spec=_same_spec(demand, holding),
        holding=holding,
        draining=able_to_drain(demand, retained.draining, planning.pools),
    )
    case = Case(
        demand=demand,
        holding=holding,
        retained=retained,
        gate=gate,
        offered=offered,
        cache=cache,
        pools=planning.pools,
        now=planning.now,
    )
    course = choose(case)
    decision = _left_out(planning, case, course, shape) if course.allocation is None else carry_out(case, course)
    return replace(decision, pools=_considered(planning, shape))


def _left_out(planning: _Pass, case: Case, course: Course, shape: Shape) -> Decision:
    """Nothing can serve it: give up what did not come or ran out of memory, end a move, keep the rest, say why."""
    holding = arrived(released(case.holding, case.retained))
    left = surviving(holding, shape.calibrations)
    if left is not None and left != case.holding:
        planning.ledger.record(held_claim(left))
    why = after_out_of_memory(
        obstacle(course.candidates), course.candidates, shape.calibrations, released=left != holding
    )
    history = replace(case.history, back_offs=case.retained.back_offs)
    decision = unserved(case.demand, left, why, course.candidates, case.gate.policies, history=history)
    return replace(decision, revisit_at=_revisit_at(case, left))


def _revisit_at(case: Case, left: Holding | None) -> datetime | None:
    """When time alone may change a refusal: a pause ends, a batch may leave spot, its deadline passes."""
    if case.now is None:
        return None
    spot = [item.assessment for item in case.offered if item.assessment.capacity_type is CapacityType.SPOT]
    times = (next_change(case.retained, left, case.now), at_risk_from(case.demand, spot), case.demand.deadline)
    return min((time for time in times if time is not None and time > case.now), default=None)


def _considered(planning: _Pass, shape: Shape) -> frozenset[str]:
    """Pools whose price, stock or back-off could still change the decision."""
    if shape not in planning.considered:
        planning.considered[shape] = frozenset(item.pool for item in planning.assessed[shape] if item.refusal is None)
    return planning.considered[shape]


def _cache(planning: _Pass, demand: Demand, shape: Shape, held: tuple[Placement, ...]) -> CandidateCache | None:
    """Offers that all demands of a shape share; what runs, and what has a deadline, is looked at by itself."""
    if held or demand.spec.batch is not None:
        return None
    key = (shape, demand.spec.replicas)
    if key not in planning.shelves:
        planning.shelves[key] = CandidateCache(_offers(planning, demand, shape, None, held), planning.stock)
    return planning.shelves[key]


def _offers(
    planning: _Pass, demand: Demand, shape: Shape, holding: Holding | None, held: tuple[Placement, ...]
) -> tuple[Option, ...]:
    """Count and price what was assessed."""
    return offers(demand, _assessments(planning, demand, shape, holding, held), planning.prices)


def _assessments(
    planning: _Pass, demand: Demand, shape: Shape, holding: Holding | None, held: tuple[Placement, ...]
) -> tuple[Assessment, ...]:
    if shape not in planning.assessed:
        planning.assessed[shape] = tuple(assessment for site in planning.sites for assessment in assess(shape, site))
    assessments = planning.assessed[shape]
    if held:
        same_spec = _same_spec(demand, holding)
        assessments = tuple(
            as_running(shape, planning.pools, assessment, held, same_spec=same_spec) for assessment in assessments
        )
    return spot_first(demand, shape, assessments, held, planning.now) if demand.spec.batch else assessments


def _same_spec(demand: Demand, holding: Holding | None) -> bool:
    return holding is not None and holding.generation == demand.generation
