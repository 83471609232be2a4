"""Invariants of the decision over random small worlds."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from inferfleet.api.enums import CapacityType
from inferfleet.api.reasons import Verdict
from inferfleet.domain.demand import Demand
from inferfleet.domain.world import Policy, Pool, World
from inferfleet.plan import decide
from inferfleet.plan.admission.capacity import Capacity
from tests.builders import LLAMA_8B, LLAMA_70B, demand, holding, policy, pool, world

GPU_TYPES = ["nvidia-l40s-48gb", "nvidia-h100-80gb", "nvidia-a100-80gb", "nvidia-l4-24gb", "nvidia-t4-16gb"]


@st.composite
def pools(draw: st.DrawFn) -> list[Pool]:
    count = draw(st.integers(0, 4))
    return [
        pool(
            f"pool-{index}",
            draw(st.sampled_from(GPU_TYPES)),
            gpus_per_node=(size := draw(st.sampled_from([1, 2, 4, 8]))),
            free=draw(st.lists(st.integers(0, size), max_size=3)),
            max_nodes=draw(st.integers(0, 5)),
            capacity_type=draw(st.sampled_from([CapacityType.ON_DEMAND, CapacityType.SPOT])),
            usd=draw(st.sampled_from([None, "0", "0.50", "1.86", "2.00", "10.98"])),
        )
        for index in range(count)
    ]


@st.composite
def demands(draw: st.DrawFn) -> list[Demand]:
    return [
        demand(
            f"d-{index}",
            namespace=draw(st.sampled_from(["team-a", "team-b"])),
            model={"id": draw(st.sampled_from([LLAMA_8B, LLAMA_70B]))},
            traffic={"requestsPerSecond": draw(st.sampled_from(["0.1", "1", "7.5", "40"]))},
            workload={"class": "RealTime", "priority": draw(st.sampled_from(["Low", "Normal", "High"]))},
            placement={"spotPolicy": draw(st.sampled_from(["Never", "Allowed"]))},
        )
        for index in range(draw(st.integers(1, 4)))
    ]


@st.composite
def policies(draw: st.DrawFn) -> list[Policy]:
    return [
        policy(f"policy-{index}", usd=draw(st.sampled_from(["0", "700", "3000", "20000"])))
        for index in range(draw(st.integers(0, 2)))
    ]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    return world(*draw(pools()), policies=draw(policies()))


@settings(deadline=None)
@given(where=worlds(), asked=demands(), seed=st.randoms(use_true_random=False))
def test_any_order_of_inputs_gives_the_same_decisions(where: World, asked: list[Demand], seed: object) -> None:
    mixed_pools, mixed_demands, mixed_policies = list(where.pools), list(asked), list(where.policies)
    for values in (mixed_pools, mixed_demands, mixed_policies):
        seed.shuffle(values)  # type: ignore[attr-defined]
    mixed = world(*mixed_pools, policies=sorted(mixed_policies, key=lambda each: each.name))
    assert decide(mixed, mixed_demands) == decide(where, asked)


@settings(deadline=None)
@given(where=worlds(), asked=demands())
def test_the_chosen_candidate_is_the_cheapest_of_the_feasible(where: World, asked: list[Demand]) -> None:
    for decision in decide(where, asked):
        usable = [item for item in decision.candidates if item.verdict is not Verdict.REJECTED]
        costs = [item.cost.run_rate for item in usable if item.cost is not None]
        assert not costs or decision.run_rate == min(costs)


@settings(deadline=None)
@given(where=worlds(), asked=demands())
def test_no_enforced_budget_is_ever_exceeded(where: World, asked: list[Demand]) -> None:
    total = sum((item.run_rate.month.usd for item in decide(where, asked) if item.namespace == "team-a"), Decimal(0))
    assert all(total <= each.spec.usd_per_month for each in where.policies)


@settings(deadline=None)
@given(where=worlds(), asked=demands())
def test_no_pool_gets_more_replicas_than_it_has_room_for(where: World, asked: list[Demand]) -> None:
    decisions = decide(where, asked)
    capacity = Capacity(where)
    for decision in sorted(decisions, key=lambda each: each.uid):
        for placement in decision.placements:
            assert capacity.room(placement.pool, 1) >= placement.gpus
            capacity.promise(placement.pool, 1, placement.gpus)


@settings(deadline=None)
@given(where=worlds(), asked=demands())
def test_deciding_again_about_what_runs_changes_nothing(where: World, asked: list[Demand]) -> None:
    first = decide(where, asked)
    by_key = {(each.namespace, each.name): each for each in asked}
    held = [holding(by_key[each.namespace, each.name], each) for each in first if each.placements]
    again = decide(world(*where.pools, policies=where.policies, holdings=held), asked)
    assert [each.placements for each in again if each.placements] == [
        each.placements for each in first if each.placements
    ]


@settings(deadline=None)
@given(where=worlds(), asked=demands())
def test_whoever_is_not_served_is_told_why(where: World, asked: list[Demand]) -> None:
    for decision in decide(where, asked):
        assert decision.placements or (decision.blocked is not None and decision.message)
