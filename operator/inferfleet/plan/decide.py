"""Decide for every demand: allowed, fits, fast enough, how many, priced, room for it, within budget, chosen, recorded.

In: an immutable world, the demands and the time. Out: one `Decision` each. Demands are served in a fixed order
(priority, first refused, namespace and name) against one capacity and one ledger, so two of them never get the same GPU
or dollar. The same world gives the same decisions in whatever order its objects are listed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from inferfleet.api.v1alpha1 import selects
from inferfleet.budget import Ledger, Rules, combine, matching
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand, Labels
from inferfleet.domain.world import Policy, World
from inferfleet.plan.admission.admission import Admitted, Attempt, admit
from inferfleet.plan.admission.cache import CandidateCache
from inferfleet.plan.admission.capacity import Capacity
from inferfleet.plan.candidates.assess import assess, site_of
from inferfleet.plan.candidates.quote import preferred, quoted
from inferfleet.plan.candidates.running import as_running
from inferfleet.plan.candidates.shape import Shape, shape_of
from inferfleet.plan.candidates.spot import spot_first
from inferfleet.plan.choice.choose import choose
from inferfleet.plan.commit import commit, placed
from inferfleet.plan.decisions import concluded, left_out


def decide(world: World, demands: Sequence[Demand], *, now: datetime | None = None) -> tuple[Decision, ...]:
    """Decide for the demands, in order of who is served first; the result is sorted by namespace and name.

    `now` is the time that deadlines, pauses and waiting times are measured against, None where there is no clock
    (offline: a fresh start).
    """
    cycle = _Cycle(world, now)
    turns = sorted(demands, key=lambda demand: _turn(demand, cycle.governed(demand.namespace_labels).policies))
    decisions = [_decide_one(cycle, demand) for demand in turns]
    return tuple(sorted(decisions, key=lambda decision: (decision.namespace, decision.name)))


def _decide_one(cycle: "_Cycle", demand: Demand) -> Decision:
    """One demand in six steps. `commit` is the only one that charges capacity and ledger."""
    attempt = cycle.attempt(demand)
    # 1 Validate: what has ended, contradicts itself, shall not run or waits for something else needs no pool.
    outcome = concluded(cycle.world, attempt)
    if outcome is not None:
        return commit(attempt, outcome)
    # 2 Keep: what of the holding still counts.
    attempt = attempt.retaining()
    # 3 Assess, size and price every candidate.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Governed:
    """What applies to a namespace: its policies, what they allow, and the dedicated pools open to it."""

    policies: tuple[Policy, ...]
    rules: Rules
    dedicated_pools: frozenset[str]


class _Cycle:
    """One planning cycle: the scratch pads that it is charged against, and what many demands share.

    What is the same for all demands of a shape or a namespace is worked out once.
    """

    def __init__(self, world: World, now: datetime | None) -> None:
        """Start from what is held and free."""
        self.world = world
        self._now = now
        self._sites = tuple(site_of(pool) for pool in sorted(world.pools, key=lambda pool: pool.name))
        self._pools = {site.pool.name: site.pool for site in self._sites}
        self._prices = {pool.name: pool.price for pool in world.pools}
        self._capacity = Capacity(world)
        self._ledger = Ledger(world)
        self._shapes: dict[Shape, Shape] = {}
        self._assessed: dict[Shape, tuple[Candidate, ...]] = {}
        self._considered: dict[Shape, frozenset[str]] = {}
        self._quotes: dict[tuple[Shape, int | None], tuple[Candidate, ...]] = {}
        self._caches: dict[tuple[Shape, int | None], CandidateCache] = {}
        self._governed: dict[Labels, _Governed] = {}

    def governed(self, labels: Labels) -> _Governed:
        """Return what applies to a namespace with these labels."""
        if labels not in self._governed:
            policies = matching(self.world, labels)
            dedicated = (pool.name for pool in self.world.pools if selects(pool.namespace_selector, labels))
            self._governed[labels] = _Governed(
                policies=policies, rules=combine(policies), dedicated_pools=frozenset(dedicated)
            )
        return self._governed[labels]

    def attempt(self, demand: Demand) -> Attempt:
        """Begin to decide for a demand."""
        return Attempt.begin(
            demand,
            self.world.holdings.get(demand.uid),
            self.governed(demand.namespace_labels).policies,
            capacity=self._capacity,
            ledger=self._ledger,
            now=self._now,
        )

    def shape(self, demand: Demand) -> Shape:
        """Return the shape of a demand whose model is known."""
        governed = self.governed(demand.namespace_labels)
        shape = shape_of(demand, governed.rules, self.world.calibrations, dedicated_pools=governed.dedicated_pools)
        return self._shapes.setdefault(shape, shape)  # one object for equal ones: later look-ups compare identities

    def candidates(self, attempt: Attempt, shape: Shape) -> tuple[Candidate, ...]:
        """Return the assessed, sized and quoted candidates, cheapest first."""
        cache = self._cache(attempt, shape)
        return self._quoted(attempt, shape) if cache is None else cache.candidates

    def admitted(self, attempt: Attempt, shape: Shape, candidates: Sequence[Candidate]) -> Admitted:
        """Return the candidates as capacity, back-offs and money leave them, and which of them are feasible."""
        cache = self._cache(attempt, shape)
        if cache is not None:
            return cache.admitted(attempt)
        return admit(attempt, candidates, self._prices)

    def considered(self, shape: Shape) -> frozenset[str]:
        """Return the pools whose price, capacity or back-off could still change a decision about this shape."""
        if shape not in self._considered:
            able = (item.pool for item in self._assessed[shape] if item.refusal is None)
            self._considered[shape] = frozenset(able)
        return self._considered[shape]

    def _cache(self, attempt: Attempt, shape: Shape) -> CandidateCache | None:
        """Candidates that all demands of a shape share; what runs, waits or has a deadline is looked at by itself."""
        if attempt.retained.running or attempt.retained.excluded or attempt.batch:
            return None
        key = (shape, attempt.demand.spec.replicas)
        if key not in self._caches:
            self._caches[key] = CandidateCache(self._quoted(attempt, shape), self._capacity, self._prices)
        return self._caches[key]

    def _quoted(self, attempt: Attempt, shape: Shape) -> tuple[Candidate, ...]:
        """Count and price what was assessed; of real-time work only what runs differs from others of the shape."""
        demand, running = attempt.demand, attempt.retained.running
        if shape not in self._assessed:
            self._assessed[shape] = tuple(item for site in self._sites for item in assess(shape, site))
        assessed, kinds = self._assessed[shape], {placement.kind for placement in running}
        if attempt.batch:
            ours = as_running(shape, self._pools, assessed, running, same_spec=attempt.same_spec)
            return quoted(demand, spot_first(demand, shape, ours, attempt.now), self._prices)
        key = (shape, demand.spec.replicas)
        if key not in self._quotes:
            self._quotes[key] = quoted(demand, assessed, self._prices)
        if not running:
            return self._quotes[key]
        mine = (item for item in assessed if item.kind in kinds)
        ours = as_running(shape, self._pools, mine, running, same_spec=attempt.same_spec)
        others = (item for item in self._quotes[key] if item.kind not in kinds)
        return preferred((*others, *quoted(demand, ours, self._prices)))
