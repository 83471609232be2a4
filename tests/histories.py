"""Hours of a small fleet, made from a seed: edits, moves, back-offs, batches, and what each decision leaves behind.

In: a seed. Out: worlds, demands and decisions, the same on every machine. Tests and the recorded decisions walk them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from inferfleet.api.enums import CapacityType, ReservePolicy
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Bound, Demand, Holding, Pods
from inferfleet.domain.history import NO_HISTORY
from inferfleet.domain.world import Policy, Pool, World
from inferfleet.plan import decide
from tests.builders import BATCH, demand, holding, policy, pool, price, world

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STEP = timedelta(minutes=10)
STEPS = 12
PRICES = ("0.40", "1.00", "1.86", "3.43")
LIMITS = ("400", "1500", "4000", "9000", "20000", "60000")
KINDS = ("nvidia-l40s-48gb", "nvidia-a100-80gb", "nvidia-l4-24gb")
NAMES = ("chat", "other", "night")
NAMED = ("Inference", "Experimentation")
# What a user may edit, each with the values it may take; absent is one of them (None).
EDITS: dict[str, tuple[Any, ...]] = {
    "traffic": tuple({"requestsPerSecond": rate} for rate in ("0.5", "5", "12", "30")),
    "replicas": (None, None, None, 0, 1, 3),
    "category": NAMED,
    "priority": ("Low", "Normal", "High"),
    "scaling": (None, {"maxReplicas": 6}, {"maxReplicas": 6, "reserve": "Max"}, {"maxReplicas": 12, "reserve": "Max"}),
    "mixed": ("Never", "Allowed"),
    "rebalance": ("Never", "WhenCheaper", "WhenCheaper"),
    "gpuTypes": (*[None] * 6, *([kind] for kind in KINDS)),
    "spot": ("Never", "Allowed"),
}
BATCH_EDITS: dict[str, tuple[Any, ...]] = {
    "requests": (None, 20_000, 200_000, 900_000),
    "deadlineSeconds": (None, 14_400, 43_200),
    "category": NAMED,
    "gpuTypes": EDITS["gpuTypes"],
    "spot": (None, "Never", "Allowed", "Required"),
    "rebalance": EDITS["rebalance"],
}
Edits = dict[str, Any]


def _placement(edits: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    placement = {"rebalance": {"policy": edits["rebalance"], "cooldownSeconds": 0}, **more}
    placement |= {"spotPolicy": edits["spot"]} if edits["spot"] else {}
    return placement | ({"gpuTypes": edits["gpuTypes"]} if edits["gpuTypes"] else {})


def real_time(name: str, edits: Mapping[str, Any], generation: int) -> Demand:
    given = {key: edits[key] for key in ("traffic", "replicas", "scaling") if edits[key] is not None}
    asked = demand(
        name,
        placement=_placement(edits, mixedGPUTypes=edits["mixed"]),
        objectives={"timePerOutputTokenMilliseconds": 120},
        workload={"class": "RealTime", "category": edits["category"], "priority": edits["priority"]},
        **given,
    )
    return replace(asked, generation=generation)


def batch(name: str, edits: Mapping[str, Any], generation: int) -> Demand:
    asked = demand(
        name,
        base=BATCH,
        placement=_placement(edits),
        batch={key: edits[key] for key in ("requests", "deadlineSeconds")},
        workload={"class": "Batch", "category": edits["category"]},
    )
    return replace(asked, generation=generation, created=START)


def fleet(chance: Random) -> list[Pool]:
    """A few pools of a few kinds."""
    return [
        pool(
            f"pool-{index}",
            chance.choice(KINDS),
            gpus_per_node=chance.choice((1, 4)),
            nodes=chance.randint(0, 4),
            max_nodes=chance.randint(0, 9),
            usd=chance.choice(PRICES),
            capacity_type=chance.choice((CapacityType.ON_DEMAND, CapacityType.ON_DEMAND, CapacityType.SPOT)),
        )
        for index in range(chance.randint(2, 5))
    ]


def money(chance: Random) -> list[Policy]:
    """One or two policies over all of it, with caps, commitments, and at times a second one that only warns."""
    found = []
    for index in range(chance.randint(1, 2)):
        caps = [{"name": name, "usdPerMonth": chance.choice(LIMITS)} for name in NAMED]
        capped = chance.sample(caps, chance.randint(0, 2))
        change: dict[str, Any] = {"categories": capped} if capped else {}
        if chance.random() < 0.3:
            change["commitments"] = [
                {
                    "name": "tuning",
                    "category": chance.choice(("FineTuning", "Inference")),
                    "gpuType": KINDS[0],
                    "gpus": 1,
                    "hoursPerMonth": "100",
                    "usdPerGPUHour": chance.choice(PRICES),
                }
            ]
        if chance.random() < 0.4:
            change["spot"] = {"realTime": "Allowed", "batchFallback": chance.choice(("OnDemand", "Wait"))}
        if index and chance.random() < 0.5:
            change["enforcement"] = "Warn"
        found.append(policy(f"policy-{index}", usd=chance.choice(LIMITS), **change))
    return found


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
        return holding(
            what,
            decision,
            pods=tuple(pods),
            generation=None,
            category=category,
            forecast=before.forecast if before else None,
            finished=before is not None and before.finished,
        )
    chosen, scaling = decision.chosen, what.spec.scaling
    forecast = chosen.total if chosen else None
    reserved = (scaling.max_replicas or 0) if scaling.reserve is ReservePolicy.MAX else 0
    return holding(
        what,
        decision,
        pods=tuple(pods),
        reserved_replicas=reserved,
        forecast=before.forecast if before and forecast is None else forecast,
        done=min(1.0, (before.done if before else 0.0) + chance.choice((0.0, 0.1))) if what.spec.batch else 0.0,
        finished=bool(what.spec.batch and before and before.placements and (before.finished or chance.random() < 0.1)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One pass: the world and what was asked, what was decided, and what is held afterwards, by name."""

    world: World
    demands: Mapping[str, Demand]
    decisions: tuple[Decision, ...]
    after: Mapping[str, Holding]
    now: datetime


def history(
    seed: int, *, limits_move: bool = True, prices_move: bool = True, pods_drain: bool = False, steps: int = STEPS
) -> Iterator[Moment]:
    """Walk through a few hours, in which limits and prices move unless they are told to stay.

    `pods_drain`: pods hold GPUs, some of them for long after their successors have theirs.
    """
    chance, drains = Random(seed), Random(seed) if pods_drain else None
    pools, policies, now = fleet(chance), money(chance), START
    edits: dict[str, Edits] = {
        name: {key: chance.choice(values) for key, values in _edits(name).items()} for name in NAMES
    }
    generations, known = dict.fromkeys(edits, 1), dict[str, Holding]()
    for _ in range(steps):
        if limits_move:
            policies = money(chance)
        priced = [_repriced(item, chance, prices_move) for item in pools]
        demands = {name: _asked(name, edits[name], generations[name]) for name in edits}
        where = world(*priced, policies=policies, holdings=known.values())
        decisions = decide(where, list(demands.values()), now=now)
        after = {
            item.name: carried_out(demands[item.name], item, known.get(item.name), chance, now) for item in decisions
        }
        if drains:
            after = {name: _draining(item, known.get(name), drains) for name, item in after.items()}
        yield Moment(world=where, demands=demands, decisions=decisions, after=after, now=now)
        known = {
            name: item for name, item in after.items() if item.placements or item.bound or item.history != NO_HISTORY
        }
        now += STEP
        for name, spec in edits.items():
            if chance.random() < 0.4:
                key = chance.choice(list(spec))
                edits[name], generations[name] = spec | {key: chance.choice(_edits(name)[key])}, generations[name] + 1


def _draining(item: Holding, before: Holding | None, chance: Random) -> Holding:
    """Its pods have their GPUs, and at times those of before have not left theirs."""
    runs = tuple(Bound(node=f"{one.pool}-0", gpus=one.gpus) for one in item.placements)
    left = before.bound if before and chance.random() < 0.5 else ()
    return replace(item, bound=tuple(dict.fromkeys((*runs, *left))))


def _edits(name: str) -> Mapping[str, tuple[Any, ...]]:
    return BATCH_EDITS if name == "night" else EDITS


def _asked(name: str, edits: Edits, generation: int) -> Demand:
    return (batch if name == "night" else real_time)(name, edits, generation)


def _repriced(item: Pool, chance: Random, prices_move: bool) -> Pool:
    """At times a price is gone, or another."""
    if chance.random() < 0.1:
        return replace(item, price=None)
    if not prices_move or chance.random() >= 0.2:
        return item
    return replace(item, price=price(chance.choice(PRICES), item.capacity_type))


def facts(decisions: Iterable[Decision]) -> list[list[Any]]:
    """Everything of decisions but their words, as plain values."""
    return [
        [
            item.uid,
            [
                [
                    one.name,
                    one.pool,
                    one.gpu_type,
                    one.capacity_type,
                    one.tensor_parallel_size,
                    one.replicas,
                    repr(one.engine),
                    _plain(one.price.usd_per_gpu_hour),
                    str(one.price.date),
                    one.role,
                ]
                for one in item.placements
            ],
            [
                [
                    one.pool,
                    one.gpu_type,
                    one.capacity_type,
                    one.tensor_parallel_size,
                    one.verdict,
                    one.reason,
                    one.replicas if one.count.recommended else None,
                    one.cost and _plain(one.cost.run_rate.usd_per_hour),
                    one.total and _plain(one.total.usd),
                    str(one.hours),
                ]
                for one in item.candidates
            ],
            item.blocked,
            [
                item.budget.within,
                item.budget.reason,
                [[name, _plain(item.budget.reserved.month.usd)] for name in item.budget.policies],
            ],
            [item.recommended_replicas, item.replicas_clamped is None, item.cheaper is None],
            [item.suspended, item.ended, item.pending],
            [str(item.history.moved_at), str(item.history.fewer_since)],
            [[one.pool, str(one.until), one.failures] for one in item.history.back_offs],
            str(item.revisit_at),
            sorted(item.pools),
        ]
        for item in decisions
    ]


def _plain(amount: Decimal) -> str:
    """The same amount is written in the same way, whatever it was computed from."""
    return f"{amount.normalize():f}"
