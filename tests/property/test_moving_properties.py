"""What holds for every change of place, count and kind over random small worlds and hours of random trouble."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from inferfleet.api.enums import Role
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Bound, Demand, Holding, Pods
from inferfleet.domain.history import NO_HISTORY
from inferfleet.domain.money import RunRate
from inferfleet.domain.placement import staying
from inferfleet.domain.world import Pool, World
from inferfleet.plan import decide
from tests.builders import demand, holding, policy, pool, price, world

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STEP = timedelta(minutes=10)
KINDS = ("nvidia-l40s-48gb", "nvidia-a100-80gb", "nvidia-l4-24gb")
LIMIT = Decimal(9000)


@st.composite
def fleets(draw: st.DrawFn) -> list[Pool]:
    return [
        pool(
            f"pool-{index}",
            draw(st.sampled_from(KINDS)),
            gpus_per_node=draw(st.sampled_from([1, 4])),
            nodes=draw(st.integers(0, 3)),
            max_nodes=draw(st.integers(0, 4)),
            usd=draw(st.sampled_from(["0.40", "1.00", "1.86", "3.43"])),
        )
        for index in range(draw(st.integers(1, 3)))
    ]


@st.composite
def movers(draw: st.DrawFn) -> Demand:
    return demand(
        traffic={"requestsPerSecond": draw(st.sampled_from(["0.5", "5", "12", "30"]))},
        objectives={"timePerOutputTokenMilliseconds": 120},
        placement={
            "mixedGPUTypes": draw(st.sampled_from(["Never", "Allowed"])),
            "rebalance": {
                "policy": draw(st.sampled_from(["Never", "WhenCheaper"])),
                "cooldownSeconds": draw(st.sampled_from([0, 3600])),
            },
        },
    )


def one(where: World, what: Demand, now: datetime) -> Decision:
    (decision,) = decide(where, [what], now=now)
    return decision


def with_prices(pools: list[Pool], chance: Random) -> list[Pool]:
    return [replace(item, price=price(chance.choice(("0.30", "0.90", "2.00", "4.00")))) for item in pools]


def grown(what: Demand, decision: Decision, before: Holding | None, now: datetime, chance: Random) -> Holding:
    """Ten minutes later: some pods are ready, some wait for a node since they were made."""
    pods, bound = [], []
    for item in decision.placements:
        known = before.pods_of(item.name) if before else Pods(placement=item.name)
        least = min(known.ready, item.replicas)
        ready = chance.randint(least, item.replicas)
        waiting = item.replicas - ready if chance.random() < 0.5 else 0
        pods.append(
            Pods(
                placement=item.name,
                ready=ready,
                scheduled=item.replicas - waiting,
                unscheduled=waiting,
                unscheduled_since=(known.unscheduled_since or now) if waiting else None,
            )
        )
        bound.append(Bound(node=f"{item.pool}-0", gpus=(item.replicas - waiting) * item.tensor_parallel_size))
    return holding(what, decision, bound, pods=tuple(pods))


def story(pools: list[Pool], what: Demand, seed: int, *, steps: int = 12) -> list[tuple[Holding | None, Decision]]:
    """Two hours in steps of ten minutes with changing prices and luck; each step's holding and decision."""
    chance, now, held = Random(seed), NOW, None
    told: list[tuple[Holding | None, Decision]] = []
    for _ in range(steps):
        where = world(*pools, policies=[policy(usd=str(LIMIT))], holdings=[held] if held else [])
        decision = one(where, what, now)
        told.append((held, decision))
        held = (
            grown(what, decision, held, now, chance) if decision.placements or decision.history != NO_HISTORY else None
        )
        pools, now = with_prices(pools, chance), now + STEP
    return told


SEEDS = st.integers(0, 2**16)


@settings(deadline=None, max_examples=25)
@given(pools=fleets(), what=movers(), seed=SEEDS)
def test_the_overlap_of_a_move_never_exceeds_the_budget_by_itself(pools: list[Pool], what: Demand, seed: int) -> None:
    """Prices may push what runs above the limit; no step of the operator does."""
    for held, decision in story(pools, what, seed):
        running = held.placements if held else ()
        before = RunRate.sum(item.run_rate for item in running).month.usd
        # What drains is charged what it was; the new price of a pool is that of what stays.
        prices = {item.pool: item.price for item in staying(decision.placements)}
        still = RunRate.sum(replace(item, price=prices.get(item.pool, item.price)).run_rate for item in running)
        assert decision.run_rate.month.usd <= max(LIMIT, before, still.month.usd)


@settings(deadline=None, max_examples=25)
@given(pools=fleets(), what=movers(), seed=SEEDS)
def test_nothing_that_serves_leaves_before_its_successor_is_ready(pools: list[Pool], what: Demand, seed: int) -> None:
    for held, decision in story(pools, what, seed):
        if held is None or not decision.placements:
            continue
        names = {item.name for item in decision.placements}
        gone = [item for item in held.placements if item.name not in names and held.pods_of(item.name).ready]
        stay = [item for item in decision.placements if item.role is not Role.DRAINING]
        if any(item.role is Role.DRAINING for item in gone):
            assert all(held.pods_of(item.name).ready >= item.replicas for item in stay)


@settings(deadline=None, max_examples=25)
@given(pools=fleets(), what=movers(), seed=SEEDS)
def test_names_are_never_shared_and_stay_with_their_place(pools: list[Pool], what: Demand, seed: int) -> None:
    for held, decision in story(pools, what, seed):
        names = [item.name for item in decision.placements]
        assert len(names) == len(set(names))
        kinds = {(item.name, item.pool, item.tensor_parallel_size) for item in decision.placements}
        kept = {(item.name, item.pool, item.tensor_parallel_size) for item in held.placements} if held else set()
        moved = {name for name, _, _ in kinds} & {name for name, _, _ in kept} - {name for name, _, _ in kinds & kept}
        assert not moved or all(held and held.pods_of(name).scheduled for name in moved)


@settings(deadline=None, max_examples=25)
@given(pools=fleets(), what=movers(), seed=SEEDS)
def test_at_most_two_kinds_are_meant_to_stay(pools: list[Pool], what: Demand, seed: int) -> None:
    for _, decision in story(pools, what, seed):
        assert sum(item.role is not Role.DRAINING for item in decision.placements) <= 2


@settings(deadline=None, max_examples=25)
@given(pools=fleets(), what=movers())
def test_a_quiet_world_comes_to_rest(pools: list[Pool], what: Demand) -> None:
    """With prices that stay and pods that come up, nothing changes any more after the first decision."""
    first = one(world(*pools), what, NOW)
    pods = tuple(Pods(placement=item.name, ready=item.replicas, scheduled=item.replicas) for item in first.placements)
    held = holding(what, first, pods=pods) if first.placements else None
    for step in range(1, 4):
        again = one(world(*pools, holdings=[held] if held else []), what, NOW + step * timedelta(hours=1))
        assert again.placements == first.placements
