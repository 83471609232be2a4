"""Money is asked for all that would be held: what drains, a larger reserve, another category, a price that is gone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from inferfleet.api.enums import Role
from inferfleet.api.reasons import ReadyReason
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.history import BackOff, History
from inferfleet.domain.world import Pool
from inferfleet.plan import decide
from tests.builders import all_ready, demand, holding, policy, pool, waiting_for_nodes, world

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=5)
A100 = pool("a100-od", "nvidia-a100-80gb", usd="3.43")
L40S = pool("l40s-od", "nvidia-l40s-48gb", usd="1.86")
H100 = pool("h100-od", "nvidia-h100-80gb", usd="4.00")
WHEN_CHEAPER: dict[str, Any] = {"rebalance": {"policy": "WhenCheaper"}}
A100_MONTH, L40S_MONTH = Decimal("3.43") * 730, Decimal("1.86") * 730
CAPPED: dict[str, Any] = {"categories": [{"name": "Experimentation", "usdPerMonth": "2000"}]}
EXPERIMENT = {"class": "RealTime", "category": "Experimentation"}


def one(what: Demand, *pools: Pool, held: Holding | None = None, usd: str = "99999", **change: Any) -> Decision:
    where = world(*pools, holdings=[held] if held else [], policies=[policy(usd=usd, **change)])
    (decision,) = decide(where, [what], now=SOON)
    return decision


def edited(**change: Any) -> Demand:
    """The demand after an edit of its spec."""
    return replace(demand(**change), generation=2)


def moving(*, ready: bool = False) -> Holding:
    """What a demand holds while it moves from the A100, which serves, to the L40S, which loads or is `ready`."""
    what = demand(placement=WHEN_CHEAPER)
    first = one(what, A100)
    begun = one(what, A100, L40S, held=holding(what, first, pods=all_ready(first)))
    old = replace(begun, placements=begun.placements[1:])
    return holding(what, begun, pods=all_ready(begun if ready else old))


def backing_off(what: Demand, **change: Any) -> Holding:
    """What a demand holds and all of it ready, in a pool that is left alone for a while."""
    history = History(back_offs=(BackOff(pool="l40s-od", until=NOW + timedelta(minutes=30), failures=1),))
    first = one(what, L40S)
    return holding(what, first, pods=all_ready(first), history=history, **change)


def test_growth_during_a_move_leaves_the_money_of_what_drains() -> None:
    usd = str(2 * L40S_MONTH + A100_MONTH)
    decision = one(edited(placement=WHEN_CHEAPER, replicas=3), A100, L40S, held=moving(), usd=usd)
    assert [(item.pool, item.replicas) for item in decision.placements] == [("l40s-od", 2), ("a100-od", 1)]
    assert (decision.run_rate.month.usd, decision.budget.reason) == (Decimal(usd), "GrowthHeld")


def test_growth_once_the_move_is_over_may_spend_what_drained() -> None:
    usd = str(3 * L40S_MONTH)
    held = replace(moving(ready=True), placements=moving().placements[:1])
    assert one(edited(placement=WHEN_CHEAPER, replicas=3), A100, L40S, held=held, usd=usd).placements[0].replicas == 3


def test_a_forced_change_during_a_move_needs_the_money_of_what_drains() -> None:
    elsewhere = edited(placement={"gpuTypes": ["nvidia-h100-80gb"]})
    decision = one(elsewhere, A100, L40S, H100, held=moving(), usd="4000")
    assert (decision.blocked, decision.placements) == (ReadyReason.OVER_BUDGET, moving().placements)


def test_a_refusal_during_a_move_names_the_money_of_what_drains() -> None:
    elsewhere = edited(placement={"gpuTypes": ["nvidia-h100-80gb"]})
    words = one(elsewhere, A100, L40S, H100, held=moving(), usd="4000").message
    assert words.startswith("with 2503.90 for what runs until the move is over: needs 5423.90 USD per month")


def test_a_move_ends_when_its_successor_is_ready_though_the_new_spec_is_refused() -> None:
    elsewhere = edited(placement={"gpuTypes": ["nvidia-h100-80gb"]})
    decision = one(elsewhere, A100, L40S, H100, held=moving(ready=True), usd="4000")
    assert [(item.pool, item.role) for item in decision.placements] == [("l40s-od", Role.BASE)]


def test_a_larger_reserve_is_asked_for_where_the_pool_backs_off() -> None:
    held = backing_off(demand(replicas=2, scaling={"maxReplicas": 2, "reserve": "Max"}), reserved_replicas=2)
    larger = edited(replicas=3, scaling={"maxReplicas": 20, "reserve": "Max"})
    assert one(larger, L40S, held=held, usd="3000").blocked is ReadyReason.OVER_BUDGET


def test_another_category_is_asked_for_money_where_the_pool_backs_off() -> None:
    held = backing_off(demand(replicas=2))
    assert one(edited(replicas=3, workload=EXPERIMENT), L40S, held=held, **CAPPED).blocked is ReadyReason.OVER_BUDGET


def test_another_category_is_asked_for_money_where_the_price_is_gone() -> None:
    first = one(demand(replicas=2), L40S)
    free = replace(L40S, price=None)
    held = holding(demand(replicas=2), first, pods=all_ready(first))
    assert one(edited(replicas=2, workload=EXPERIMENT), free, held=held, **CAPPED).blocked is ReadyReason.OVER_BUDGET


def test_what_runs_keeps_its_reservation_when_its_price_is_gone() -> None:
    first = one(demand(replicas=2), L40S)
    free = replace(L40S, price=None)
    decision = one(demand(replicas=2), free, held=holding(demand(replicas=2), first, pods=all_ready(first)))
    assert (decision.budget.policies, decision.budget.reserved.month.usd) == (("team-a",), 2 * L40S_MONTH)


def test_fewer_replicas_do_not_wait_where_the_new_spec_could_not_pay_for_all() -> None:
    busy, calm = {"requestsPerSecond": "40"}, {"requestsPerSecond": "1"}
    large = replace(L40S, max_nodes=9)
    first = one(demand(traffic=busy), large)
    held = holding(demand(traffic=busy), first, pods=all_ready(first))
    decision = one(edited(traffic=calm, workload=EXPERIMENT), large, held=held, **CAPPED)
    assert (decision.blocked, decision.placements[0].replicas) == (None, 1)


def test_turning_back_from_a_move_claims_the_reserve_of_what_was_left_anew() -> None:
    what = demand(placement=WHEN_CHEAPER, scaling={"maxReplicas": 4, "reserve": "Max"})
    first = one(what, A100)
    begun = one(what, A100, L40S, held=holding(what, first, pods=all_ready(first), reserved_replicas=4))
    late = waiting_for_nodes(replace(begun, placements=begun.placements[:1]), SOON - timedelta(minutes=15))
    stuck = holding(what, begun, pods=late, reserved_replicas=4)
    decision = one(what, A100, L40S, held=stuck, usd=str(4 * A100_MONTH - 1))
    assert (decision.blocked, decision.placements[0].pool) == (ReadyReason.OVER_BUDGET, "a100-od")
