"""Moving what runs to something cheaper: when it is worth it, both run until the new one is ready, money first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from inferfleet.api.enums import CapacityType, Role
from inferfleet.api.reasons import Reason
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.history import History
from inferfleet.domain.world import Policy, Pool
from inferfleet.plan import decide
from tests.builders import BATCH, all_ready, demand, holding, placed, policy, pool, price, waiting_for_nodes, world

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
A100 = pool("a100-od", "nvidia-a100-80gb", usd="3.43")
L40S = pool("l40s-od", "nvidia-l40s-48gb", usd="1.86")
SPOT = pool("l40s-spot", "nvidia-l40s-48gb", usd="0.95", capacity_type=CapacityType.SPOT)
WHEN_CHEAPER: dict[str, Any] = {"rebalance": {"policy": "WhenCheaper"}}


def one(what: Demand, *pools: Pool, held: Holding | None = None, now: datetime = NOW, **change: Any) -> Decision:
    where = world(*pools, holdings=[held] if held else [], **change)
    (decision,) = decide(where, [what], now=now)
    return decision


def running(what: Demand, *pools: Pool, **change: Any) -> Holding:
    """What the demand holds once all of its first decision is ready."""
    first = one(what, *pools)
    return holding(what, first, **({"pods": all_ready(first)} | change))


def message(decision: Decision, where: str) -> str:
    return next(item.message for item in decision.candidates if item.pool == where)


def moved(what: Demand, **change: Any) -> Decision:
    """The decision that begins a move from the A100 to the L40S."""
    return one(what, A100, L40S, held=running(what, A100), **change)


def base(decision: Decision) -> str:
    return next(item.pool for item in decision.placements if item.role is Role.BASE)


def test_a_move_starts_the_new_one_and_keeps_the_old_one() -> None:
    decision = moved(demand(placement=WHEN_CHEAPER))
    assert [(item.pool, item.role) for item in decision.placements] == [
        ("l40s-od", Role.BASE),
        ("a100-od", Role.DRAINING),
    ]


def test_the_two_have_different_names() -> None:
    new, old = moved(demand(placement=WHEN_CHEAPER)).placements
    assert (old.name, new.name != old.name) == ("chat", True)


def test_the_target_is_chosen_as_the_cheapest() -> None:
    assert moved(demand(placement=WHEN_CHEAPER)).candidates[0].reason is Reason.CHEAPEST


def test_both_are_charged_while_both_run() -> None:
    decision = moved(demand(placement=WHEN_CHEAPER), policies=[policy(usd="9000")])
    assert (decision.budget.policies, decision.budget.reserved.month.usd) == (("team-a",), decision.run_rate.month.usd)


def test_the_old_one_stays_while_the_new_one_loads() -> None:
    what = demand(placement=WHEN_CHEAPER)
    begun = moved(what)
    loading = holding(what, begun, pods=all_ready(replace(begun, placements=begun.placements[1:])))
    again = one(what, A100, L40S, held=loading, now=NOW + timedelta(minutes=5))
    assert again.placements == begun.placements


def test_the_old_one_leaves_once_the_new_one_is_ready() -> None:
    what = demand(placement=WHEN_CHEAPER)
    begun = moved(what)
    done = one(what, A100, L40S, held=holding(what, begun, pods=all_ready(begun)), now=NOW + timedelta(minutes=5))
    assert placed(done) == begun.placements[0]


def test_a_move_is_forgotten_by_nobody_until_the_cooldown_is_over() -> None:
    what = demand(placement=WHEN_CHEAPER)
    begun = moved(what)
    settled = holding(what, begun, pods=all_ready(begun), placements=begun.placements[:1])
    cheaper = replace(A100, price=price("0.46"))
    soon = one(what, cheaper, L40S, held=settled, now=NOW + timedelta(minutes=59))
    late = one(what, cheaper, L40S, held=settled, now=NOW + timedelta(minutes=61))
    assert (base(soon), base(late)) == ("l40s-od", "a100-od")
    assert soon.revisit_at == NOW + timedelta(hours=1)
    assert "not again before 13:00" in message(soon, "a100-od")


def test_moving_back_and_forth_reuses_the_free_name() -> None:
    what = demand(placement=WHEN_CHEAPER)
    begun = moved(what)
    settled = holding(what, begun, pods=all_ready(begun), placements=begun.placements[:1])
    cheaper = replace(A100, price=price("0.46"))
    back = one(what, cheaper, L40S, held=settled, now=NOW + timedelta(hours=2))
    assert back.placements[0].name == "chat"


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"policy": "WhenCheaper", "minSavingPercent": 60}, "less than rebalance.minSavingPercent 60"),
        ({"policy": "WhenCheaper", "minSavingPercent": 1, "horizonHours": 1}, "moving costs USD"),
        ({"policy": "Never"}, "rebalance.policy is Never"),
    ],
)
def test_a_move_that_is_not_worth_it_is_not_made_and_says_why(rules: dict[str, Any], words: str) -> None:
    dear = replace(L40S, price=price("3.08")) if rules.get("horizonHours") else L40S
    what = demand(placement={"rebalance": rules})
    decision = one(what, A100, dear, held=running(what, A100))
    assert (placed(decision).pool, decision.candidates[0].reason) == ("a100-od", Reason.KEPT)
    assert words in message(decision, "l40s-od")


def test_the_policy_never_tells_what_a_move_would_save() -> None:
    what = demand()
    decision = one(what, A100, L40S, held=running(what, A100))
    assert decision.cheaper is not None
    assert "l40s-od would cost 46 % less" in decision.cheaper


def test_nothing_is_told_where_a_move_would_not_be_worth_it() -> None:
    what = demand(placement={"rebalance": {"minSavingPercent": 60}})
    assert one(what, A100, L40S, held=running(what, A100)).cheaper is None


def test_a_move_waits_when_the_budget_cannot_hold_both() -> None:
    what = demand(placement=WHEN_CHEAPER)
    tight: list[Policy] = [policy(usd="3000")]
    decision = one(what, A100, L40S, held=running(what, A100), policies=tight)
    assert placed(decision).pool == "a100-od"
    assert "both would run while moving" in message(decision, "l40s-od")


def test_a_move_needs_room_beside_what_runs() -> None:
    what = demand(placement=WHEN_CHEAPER)
    full = replace(L40S, nodes=tuple(replace(node, free=0) for node in L40S.nodes))
    assert placed(one(what, A100, full, held=running(what, A100))).pool == "a100-od"


def test_a_successor_that_finds_no_node_is_given_up_and_the_old_one_stays() -> None:
    what = demand(placement=WHEN_CHEAPER)
    begun = moved(what)
    old = replace(begun, placements=begun.placements[1:])
    new = replace(begun, placements=begun.placements[:1])
    stuck = holding(what, begun, pods=(*all_ready(old), *waiting_for_nodes(new, NOW)))
    decision = one(what, A100, L40S, held=stuck, now=NOW + timedelta(minutes=15))
    assert [(item.pool, item.name, item.role) for item in decision.placements] == [("a100-od", "chat", Role.BASE)]
    assert decision.history.back_offs[0].pool == "l40s-od"


def test_a_successor_that_never_gets_ready_is_given_up_after_an_hour() -> None:
    what = demand(placement=WHEN_CHEAPER)
    begun = moved(what)
    old = replace(begun, placements=begun.placements[1:])
    failing = holding(what, begun, pods=all_ready(old))
    decision = one(what, A100, L40S, held=failing, now=NOW + timedelta(hours=1))
    assert placed(decision).pool == "a100-od"


def test_a_batch_moves_without_an_overlap_and_keeps_its_name() -> None:
    what = demand(base=BATCH, placement={"spotPolicy": "Allowed"})
    held = running(what, L40S)
    decision = one(what, L40S, SPOT, held=held)
    assert (placed(decision).pool, placed(decision).name) == ("l40s-spot", "chat")


def test_a_batch_that_is_nearly_done_does_not_move() -> None:
    what = demand(base=BATCH, placement={"spotPolicy": "Allowed"})
    held = running(what, L40S, done=0.97)
    assert placed(one(what, L40S, SPOT, held=held)).pool == "l40s-od"


def test_a_batch_does_not_move_to_where_it_would_miss_its_deadline() -> None:
    what = replace(
        demand(base=BATCH, placement={"spotPolicy": "Allowed"}), created=NOW - timedelta(hours=7, minutes=30)
    )
    decision = one(what, L40S, SPOT, held=running(what, L40S, done=0.2))
    assert placed(decision).pool == "l40s-od"


def test_calibration_never_moves_what_runs() -> None:
    what = demand(objectives={"timePerOutputTokenMilliseconds": 20})
    held = running(what, A100)
    slower = replace(A100, gpu=replace(A100.gpu, memory_bandwidth_gb_per_s=500.0))  # type: ignore[type-var]
    h100 = pool("h100-od", "nvidia-h100-80gb", usd="10.98")
    decision = one(what, slower, h100, held=held)
    assert (placed(decision).pool, placed(decision).replicas) == ("a100-od", held.placements[0].replicas)
    assert "slower than it was planned" in decision.message


def test_a_tighter_objective_does_move_it() -> None:
    tight = demand(objectives={"timePerOutputTokenMilliseconds": 8})
    held = running(demand(), A100, generation=0)
    before, after = held.placements[0], placed(one(tight, A100, held=held))
    assert (before.tensor_parallel_size, after.tensor_parallel_size > 1) == (1, True)


def test_a_forced_change_of_place_starts_the_cooldown_too() -> None:
    what = demand(placement=WHEN_CHEAPER)
    held = running(what, A100, history=History())
    gone = one(what, L40S, held=held)
    assert (placed(gone).pool, gone.history.moved_at) == ("l40s-od", NOW)


def test_beside_work_whose_price_is_gone_others_are_compared_with_what_it_is_charged() -> None:
    what = demand()
    unpriced = replace(L40S, price=None)
    decision = one(what, unpriced, A100, held=running(what, L40S))
    (other,) = [item for item in decision.candidates if item.pool == "a100-od" and item.tensor_parallel_size == 1]
    assert other.reason is Reason.MORE_EXPENSIVE
    assert "USD 1146.10 per month more than the chosen one" in other.message
