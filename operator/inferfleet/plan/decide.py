"""Decide for every demand: allowed, fits, fast enough, how many, priced, in stock, within budget, chosen, recorded.

In: an immutable world, the demands and the time. Out: one `Decision` each. Demands are served in a fixed order
(priority, first refused, namespace and name) against one stock and one ledger, so two of them never get the same GPU or
dollar. The same world gives the same decisions in whatever order its objects are listed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inferfleet.api.enums import CapacityType, SpotPolicy
from inferfleet.api.reasons import ConditionReason, ReadyReason, Reason
from inferfleet.domain.decision import BudgetVerdict, Decision
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.gpu import Price
from inferfleet.domain.model import Model
from inferfleet.domain.placement import Candidate, Placement
from inferfleet.domain.world import Policy, Pool, World
from inferfleet.plan.assess import Assessment, assess, assess_running, without_stock
from inferfleet.plan.barrier import barrier
from inferfleet.plan.choose import Choice, choose, obstacle, praise
from inferfleet.plan.eligible import Refusal
from inferfleet.plan.engine_settings import engine_settings
from inferfleet.plan.exhausted import after_deaths, surviving
from inferfleet.plan.fitting import gpu_of
from inferfleet.plan.ledger import Ledger, claim_of
from inferfleet.plan.lessons import died
from inferfleet.plan.money_gate import admitted, refused, released
from inferfleet.plan.options import Gate, Option, counts, offers
from inferfleet.plan.price import price_of
from inferfleet.plan.rules import combine, matching
from inferfleet.plan.shape import Shape, shape_of
from inferfleet.plan.stock import Stock, held_replicas

ENDED = "the batch has ended; nothing is reserved"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """One planning pass: the world, and the scratch pads that it is charged against."""

    world: World
    pools: tuple[Pool, ...]
    prices: dict[str, Price | None]
    stock: Stock
    ledger: Ledger
    now: datetime | None
    assessed: dict[Shape, tuple[Assessment, ...]]
    offered: dict[tuple[Shape, int | None], tuple[Option, ...]]


def decide(world: World, demands: Sequence[Demand], *, now: datetime | None = None) -> tuple[Decision, ...]:
    """Decide for the demands, in order of who is served first; the result is sorted by namespace and name.

    `now` is the time that batch deadlines are measured against, None where there is no clock (offline: a fresh start).
    """
    planning = _Pass(
        world=world,
        pools=tuple(without_stock(pool) for pool in sorted(world.pools, key=lambda pool: pool.name)),
        prices={pool.name: price_of(pool) for pool in world.pools},
        stock=Stock(world),
        ledger=Ledger(world),
        now=now,
        assessed={},
        offered={},
    )
    turns = sorted(demands, key=lambda demand: _turn(demand, matching(world, demand.namespace_labels)))
    decisions = [_decide_one(planning, demand) for demand in turns]
    return tuple(sorted(decisions, key=lambda decision: (decision.namespace, decision.name)))


def _turn(demand: Demand, policies: tuple[Policy, ...]) -> tuple[int, float, str, str]:
    """Higher priority first (as far as policy lets it), then who was refused first, then the name."""
    rank = min([demand.spec.workload.priority.rank, *(policy.spec.max_priority.rank for policy in policies)])
    waited = demand.first_refused.timestamp() if demand.first_refused else float("inf")
    return (-rank, waited, demand.namespace, demand.name)


def _decide_one(planning: _Pass, demand: Demand) -> Decision:
    holding = planning.world.holdings.get(demand.uid)
    policies = matching(planning.world, demand.namespace_labels)
    if holding is not None and holding.finished:
        return _finished(planning, demand, holding)
    stopped = barrier(planning.world, demand, policies)
    if stopped is not None:
        return _unserved(demand, holding, stopped, (), policies)
    if demand.spec.replicas == 0:
        return _suspended(planning, demand, policies)
    rules = combine(policies)
    held = holding.placements if holding else ()
    shape = shape_of(demand, rules, planning.world.lessons)
    gate = Gate(demand=demand, policies=policies, held=held, stock=planning.stock, ledger=planning.ledger)
    choice = choose(gate.settle(_offers(planning, demand, shape, held)))
    if choice.option is None:
        left = surviving(holding, shape.lessons)
        why = after_deaths(obstacle(choice.candidates), choice.candidates, shape.lessons, released=left != holding)
        return _unserved(demand, left, why, choice.candidates, policies)
    return _served(planning, demand, choice, held, policies)


def _offers(planning: _Pass, demand: Demand, shape: Shape, held: tuple[Placement, ...]) -> tuple[Option, ...]:
    """Count and price once for all demands of a shape; what runs, and what has a deadline, is looked at by itself."""
    assessments = _assessments(planning, demand, shape, held)
    if held or demand.spec.batch is not None:
        return offers(demand, assessments, planning.prices)
    key = (shape, demand.spec.replicas)
    if key not in planning.offered:
        planning.offered[key] = offers(demand, assessments, planning.prices)
    return planning.offered[key]


def _assessments(planning: _Pass, demand: Demand, shape: Shape, held: tuple[Placement, ...]) -> tuple[Assessment, ...]:
    if shape not in planning.assessed:
        planning.assessed[shape] = tuple(assessment for pool in planning.pools for assessment in assess(shape, pool))
    assessments = planning.assessed[shape]
    if held:
        assessments = tuple(_as_running(planning, shape, assessment, held) for assessment in assessments)
    return _spot_first(planning, demand, shape, assessments) if demand.spec.batch else assessments


def _as_running(planning: _Pass, shape: Shape, assessment: Assessment, held: tuple[Placement, ...]) -> Assessment:
    """What runs with the settings that the spec asks for has proved that it fits: no estimate takes that back."""
    running = next(
        (
            placement
            for placement in held
            if (placement.pool, placement.tensor_parallel_size) == (assessment.pool, assessment.tensor_parallel_size)
        ),
        None,
    )
    memory_only = (Reason.DOES_NOT_FIT, Reason.TOO_CLOSE, Reason.CONTEXT_DOES_NOT_FIT)
    refused = assessment.refusal is not None and assessment.refusal.reason not in memory_only
    if running is None or assessment.engine is None or refused:
        return assessment
    pool = next(pool for pool in planning.pools if pool.name == assessment.pool)
    wanted = engine_settings(shape, gpu_of(pool), assessment.tensor_parallel_size)
    consent = shape.spec.engine.min_model_len or wanted.max_model_len
    agreed = consent <= running.engine.max_model_len <= wanted.max_model_len
    dead = died(shape.lessons, running.gpu_type, running.engine)
    if dead or not agreed or replace(running.engine, max_model_len=wanted.max_model_len) != wanted:
        return assessment
    return assess_running(shape, pool, running.engine)


def _spot_first(
    planning: _Pass, demand: Demand, shape: Shape, assessments: tuple[Assessment, ...]
) -> tuple[Assessment, ...]:
    """Batch leaves spot only when it may, and when spot can never hold it or the deadline is at risk."""
    if shape.spot_policy is SpotPolicy.NEVER:
        return assessments
    spot = [item for item in assessments if item.capacity_type is CapacityType.SPOT and item.refusal is None]
    may_leave = shape.spot_policy is not SpotPolicy.REQUIRED and shape.rules.batch_fallback
    if may_leave and (not spot or _deadline_at_risk(planning, demand, spot)):
        return assessments
    message = "batch runs on spot first" if may_leave else "batch stays on spot: a matching BudgetPolicy says Wait"
    objection = Refusal(Reason.CAPACITY_TYPE_NOT_ALLOWED, message)
    return tuple(
        item
        if item.capacity_type is CapacityType.SPOT or item.refusal is not None
        else replace(item, refusal=objection)
        for item in assessments
    )


def _deadline_at_risk(planning: _Pass, demand: Demand, spot: list[Assessment]) -> bool:
    """Whether even the fastest spot candidate would take longer than what is left until the deadline."""
    deadline = demand.spec.batch.deadline_seconds if demand.spec.batch else None
    if deadline is None or planning.now is None or demand.created is None:
        return False
    left_hours = (deadline - (planning.now - demand.created).total_seconds()) / 3600
    return min(item.hours or 0.0 for item in spot) > left_hours


def _served(
    planning: _Pass, demand: Demand, choice: Choice, held: tuple[Placement, ...], policies: tuple[Policy, ...]
) -> Decision:
    option = choice.option
    assert option is not None
    assessment = option.assessment
    size = assessment.tensor_parallel_size
    mine = held_replicas(held, assessment.pool, size) if option.held else 0
    planning.stock.promise(assessment.pool, size, option.replicas - mine)
    claim = claim_of(demand, option.claimed_usd)
    verdict = admitted(planning.ledger.shortages(claim, policies), claim, policies, option)
    planning.ledger.record(claim)
    return Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=(_placement(demand, option),),
        candidates=choice.candidates,
        blocked=None,
        message=praise(option),
        budget=verdict,
        recommended_replicas=option.recommended,
        replicas_clamped=counts(demand, assessment.replicas).clamped,
    )


def _placement(demand: Demand, option: Option) -> Placement:
    assessment, held = option.assessment, option.held
    assert assessment.engine is not None
    price = option.price
    if price is None:  # a running placement whose price was taken away is charged what it was charged before
        assert held is not None
        price = Price(
            capacity_type=held.capacity_type,
            usd_per_gpu_hour=held.usd_per_gpu_hour,
            source=held.price_source,
            date=held.price_date,
        )
    return Placement(
        name=held.name if held else demand.name,
        pool=assessment.pool,
        gpu_type=assessment.gpu_type,
        capacity_type=assessment.capacity_type,
        tensor_parallel_size=assessment.tensor_parallel_size,
        replicas=option.replicas,
        engine=assessment.engine,
        usd_per_gpu_hour=price.usd_per_gpu_hour,
        price_source=price.source,
        price_date=price.date,
    )


def _finished(planning: _Pass, demand: Demand, holding: Holding) -> Decision:
    """A batch whose Job has ended stays as it ended: it is not placed again and holds nothing any more."""
    planning.ledger.record(released(demand))
    return Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=holding.placements,
        candidates=(),
        blocked=None,
        message=ENDED,
        budget=BudgetVerdict(within=True, reason=ConditionReason.RESERVED, message=ENDED),
    )


def _suspended(planning: _Pass, demand: Demand, policies: tuple[Policy, ...]) -> Decision:
    planning.ledger.record(released(demand))
    return Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=(),
        candidates=(),
        blocked=None,
        message="spec.replicas is 0: nothing runs and nothing is reserved",
        budget=BudgetVerdict(within=True, reason="Reserved" if policies else "NoPolicy", message="nothing is reserved"),
        suspended=True,
    )


def _unserved(
    demand: Demand,
    holding: Holding | None,
    why: tuple[ReadyReason, str],
    candidates: Sequence[Candidate],
    policies: tuple[Policy, ...],
) -> Decision:
    """Nothing new starts; what was admitted before keeps running and keeps its reservation."""
    reason, message = why
    return Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=holding.placements if holding else (),
        candidates=candidates,
        blocked=reason,
        message=message,
        budget=refused(reason, message, holding, policies),
        pending=not isinstance(demand.model, Model) and demand.model.pending,
    )
