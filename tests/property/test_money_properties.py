"""No decision takes an enforced limit further over, over hours of edits, moves, back-offs and changing limits."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from inferfleet.api.enums import Category, ReservePolicy
from inferfleet.budget.ledger import held_claim
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand, Holding, Pods
from inferfleet.domain.history import NO_HISTORY
from inferfleet.domain.world import Policy, Pool
from inferfleet.plan import decide
from tests.builders import demand, holding, policy, pool, world

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STEP = timedelta(minutes=10)
STEPS = 12
PRICES = ("0.40", "1.00", "1.86", "3.43")
LIMITS = ("400", "1500", "3000", "6000", "20000")
KINDS = ("nvidia-l40s-48gb", "nvidia-a100-80gb", "nvidia-l4-24gb")
# What a user may edit, each with the values it may take; absent is one of them (None).
EDITS: dict[str, tuple[Any, ...]] = {
    "traffic": tuple({"requestsPerSecond": rate} for rate in ("0.5", "5", "12", "30")),
    "replicas": (None, None, None, 0, 1, 3),
    "workload": tuple({"class": "RealTime", "category": name} for name in ("Inference", "Experimentation")),
    "scaling": (None, {"maxReplicas": 6}, {"maxReplicas": 6, "reserve": "Max"}, {"maxReplicas": 12, "reserve": "Max"}),
    "mixed": ("Never", "Allowed"),
    "rebalance": ("Never", "WhenCheaper"),
    "gpuTypes": (None, None, *([kind] for kind in KINDS)),
}


def asked(name: str, edits: dict[str, Any], generation: int) -> Demand:
    placement = {"mixedGPUTypes": edits["mixed"], "rebalance": {"policy": edits["rebalance"], "cooldownSeconds": 0}}
    if edits["gpuTypes"]:
        placement["gpuTypes"] = edits["gpuTypes"]
    given = {key: edits[key] for key in ("traffic", "replicas", "workload", "scaling") if edits[key] is not None}
    relaxed = {"timePerOutputTokenMilliseconds": 120}
    return replace(demand(name, placement=placement, objectives=relaxed, **given), generation=generation)


def fleet(chance: Random) -> list[Pool]:
    """A few pools without a catalogue price, so that a price that is taken away is missing and not another one."""
    pools = (
        pool(
            f"pool-{index}",
            chance.choice(KINDS),
            gpus_per_node=chance.choice((1, 4)),
            nodes=chance.randint(0, 3),
            max_nodes=chance.randint(0, 6),
            usd=chance.choice(PRICES),
        )
        for index in range(chance.randint(1, 3))
    )
    return [replace(item, gpu=replace(item.gpu, prices=())) for item in pools]  # type: ignore[type-var]


def limits_of(policies: Iterable[Policy]) -> dict[Category | None, Decimal]:
    found: dict[Category | None, Decimal] = {}
    for item in policies:
        found[None] = item.spec.usd_per_month
        found |= {cap.name: cap.usd_per_month for cap in item.spec.categories}
    return found


def held(holdings: Iterable[Holding], category: Category | None) -> Decimal:
    return sum((held_claim(item).usd for item in holdings if category in (None, item.category)), Decimal(0))


def carried_out(what: Demand, decision: Decision, before: Holding | None, chance: Random, now: datetime) -> Holding:
    """What the status says afterwards: of a refused spec neither category, reserve nor generation are admitted."""
    pods = []
    for item in decision.placements:
        known = before.pods_of(item.name) if before else Pods(placement=item.name)
        ready = chance.choice((0, min(known.ready, item.replicas), item.replicas, item.replicas))
        late = ready < item.replicas and chance.random() < 0.4
        since = (known.unscheduled_since or now) if late else None
        waiting = item.replicas - ready if late else 0
        scheduled = item.replicas - waiting
        pods.append(
            Pods(placement=item.name, ready=ready, scheduled=scheduled, unscheduled=waiting, unscheduled_since=since)
        )
    if decision.blocked is not None:
        category = before.category if before else what.spec.workload.category
        return holding(what, decision, pods=tuple(pods), generation=None, category=category)
    scaling = what.spec.scaling
    reserved = (scaling.max_replicas or 0) if scaling.reserve is ReservePolicy.MAX else 0
    return holding(what, decision, pods=tuple(pods), reserved_replicas=reserved)


def edited(edits: dict[str, Any], chance: Random) -> dict[str, Any]:
    key = chance.choice(list(EDITS))
    return edits | {key: chance.choice(EDITS[key])}


def money(chance: Random) -> list[Policy]:
    caps = [{"name": name, "usdPerMonth": chance.choice(LIMITS)} for name in ("Inference", "Experimentation")]
    capped = chance.sample(caps, chance.randint(0, 2))
    return [policy(usd=chance.choice(LIMITS), categories=capped) if capped else policy(usd=chance.choice(LIMITS))]


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**31))
def test_no_decision_takes_an_enforced_limit_further_over(seed: int) -> None:
    chance = Random(seed)
    pools, now = fleet(chance), START
    edits = {name: {key: chance.choice(values) for key, values in EDITS.items()} for name in ("chat", "other")}
    generations, known = dict.fromkeys(edits, 1), dict[str, Holding]()
    for _ in range(STEPS):
        policies = money(chance)
        priced = [replace(item, usd_per_gpu_hour=None) if chance.random() < 0.1 else item for item in pools]
        demands = {name: asked(name, edits[name], generations[name]) for name in edits}
        decisions = decide(world(*priced, policies=policies, holdings=known.values()), list(demands.values()), now=now)
        after = {
            item.name: carried_out(demands[item.name], item, known.get(item.name), chance, now) for item in decisions
        }
        for category, limit in limits_of(policies).items():
            assert held(after.values(), category) <= max(limit, held(known.values(), category))
        known = {name: item for name, item in after.items() if item.placements or item.history != NO_HISTORY}
        now += STEP
        for name, spec in edits.items():
            if chance.random() < 0.4:
                edits[name], generations[name] = edited(spec, chance), generations[name] + 1
