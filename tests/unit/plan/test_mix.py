"""Two kinds of replicas behind one Service: only when asked for, clearly cheaper, and stable once it runs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from inferfleet.api.enums import Category, Role, WorkloadClass
from inferfleet.api.reasons import ReadyReason, Reason, Verdict
from inferfleet.budget import holding_claim
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.history import BackOff, History
from inferfleet.domain.world import Pool
from inferfleet.plan import decide
from tests.builders import all_ready, demand, holding, policy, pool, price, world

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
A100 = pool("a100-od", "nvidia-a100-80gb", usd="3.43", nodes=4, gpus_per_node=8)
L4 = pool("l4-od", "nvidia-l4-24gb", usd="0.80", nodes=20, gpus_per_node=1)
MIXED: dict[str, Any] = {"mixedGPUTypes": "Allowed", "maxTensorParallelSize": 1}
RELAXED = {"timePerOutputTokenMilliseconds": 120}


def asked(rate: str, **change: Any) -> Demand:
    """A demand whose rate lies a little above whole A100s, so that one small GPU is cheaper than one more A100."""
    return demand(traffic={"requestsPerSecond": rate}, **({"placement": MIXED, "objectives": RELAXED} | change))


def one(what: Demand, *pools: Pool, held: Holding | None = None, now: datetime = NOW, **change: Any) -> Decision:
    (decision,) = decide(world(*pools, holdings=[held] if held else [], **change), [what], now=now)
    return decision


def capacity(where: Pool) -> float:
    """Requests per second of one replica after the headroom."""
    candidate = one(asked("0.1"), where).candidates[0]
    assert candidate.speed is not None
    return candidate.speed.requests_per_second / 1.25


RATE = f"{2 * capacity(A100) + 0.9 * capacity(L4):.3f}"
LATER = NOW + timedelta(minutes=5)


def counts(decision: Decision) -> dict[str, int]:
    return {item.pool: item.replicas for item in decision.placements}


def running(what: Demand, *pools: Pool, **change: Any) -> Holding:
    first = one(what, *pools)
    return holding(what, first, **({"pods": all_ready(first)} | change))


def test_two_kinds_share_the_load_where_that_is_cheaper() -> None:
    decision = one(asked(RATE), A100, L4)
    assert counts(decision) == {"a100-od": 2, "l4-od": 1}


def test_without_consent_there_is_one_kind() -> None:
    assert len(one(asked(RATE, placement={"mixedGPUTypes": "Never"}), A100, L4).placements) == 1


def test_the_largest_part_has_the_deployments_name() -> None:
    first, second = one(asked(RATE), A100, L4).placements
    assert (first.name, second.name.startswith("chat-")) == ("chat", True)


def test_both_parts_are_recorded_as_chosen_the_largest_first() -> None:
    record = one(asked(RATE), A100, L4).candidates
    assert [(item.pool, item.verdict, item.replicas) for item in record[:2]] == [
        ("a100-od", Verdict.CHOSEN, 2),
        ("l4-od", Verdict.CHOSEN, 1),
    ]


def test_a_mix_says_which_share_each_kind_is_planned_for() -> None:
    words = one(asked(RATE), A100, L4).message
    assert "planned for 96 % and 4 % of the requests; a Service spreads them evenly over pods (67 % and 33 %)" in words


def test_a_saving_below_five_per_cent_is_not_worth_a_second_kind() -> None:
    dear = replace(L4, price=price(str(Decimal("3.43") * 3 * Decimal("0.96") - 2 * Decimal("3.43"))))
    assert len(one(asked(RATE), A100, dear).placements) == 1


def test_stock_bounds_each_kind() -> None:
    few = replace(A100, nodes=A100.nodes[:1], gpus_per_node=1)
    few = replace(few, nodes=(replace(few.nodes[0], gpus=1, free=1),))
    decision = one(asked(RATE), few, L4)
    assert counts(decision)["a100-od"] == 1


def test_a_budget_that_holds_the_mix_and_no_single_kind_is_enough() -> None:
    total = one(asked(RATE), A100, L4).run_rate.month.usd
    assert len(one(asked(RATE), A100, L4, policies=[policy(usd=str(total))]).placements) == 2


def test_a_budget_below_the_mix_refuses_it() -> None:
    total = one(asked(RATE), A100, L4).run_rate.month.usd
    assert one(asked(RATE), A100, L4, policies=[policy(usd=str(total - 1))]).placements == ()


def test_an_owned_count_is_served_by_one_kind() -> None:
    assert len(one(asked(RATE, replicas=3), A100, L4).placements) == 1


def test_a_mix_that_runs_stays_as_it_is() -> None:
    held = running(asked(RATE), A100, L4)
    assert one(asked(RATE), A100, L4, held=held, now=LATER).placements == held.placements


def test_a_mix_that_serves_its_rate_wants_nothing_more() -> None:
    held = running(asked(RATE), A100, L4)
    decision = one(asked(RATE), A100, L4, held=held, now=LATER, policies=[policy(usd="6000")])
    assert (decision.budget.within, decision.budget.reason) == (True, "Reserved")


def test_a_mix_holds_the_same_reserve_of_the_maximum_once_it_runs() -> None:
    what = asked(RATE, scaling={"maxReplicas": 30, "reserve": "Max"})
    promised = one(what, A100, L4, policies=[policy(usd="99999")]).budget.reserved
    assert promised == holding_claim(running(what, A100, L4, reserved_replicas=30)).charge


def test_a_mix_that_changes_its_category_needs_the_money_of_both_kinds() -> None:
    held = running(asked(RATE), A100, L4)
    total = one(asked(RATE), A100, L4).run_rate.month.usd
    other = replace(asked(RATE, workload={"class": "RealTime", "category": "Experimentation"}), generation=2)

    def blocked_with(usd: Decimal) -> str | None:
        cap = policy(usd="99999", categories=[{"name": "Experimentation", "usdPerMonth": str(usd)}])
        return one(other, A100, L4, held=held, now=LATER, policies=[cap]).blocked

    assert (blocked_with(total), blocked_with(total - 1)) == (None, ReadyReason.OVER_BUDGET)


def test_growth_is_added_to_what_runs() -> None:
    held = running(asked(RATE), A100, L4)
    more = f"{2 * capacity(A100) + 1.9 * capacity(L4):.3f}"
    assert counts(one(asked(more), A100, L4, held=held, now=LATER)) == {"a100-od": 2, "l4-od": 2}


def test_growth_that_the_budget_does_not_cover_is_held_back() -> None:
    held = running(asked(RATE), A100, L4)
    more = f"{3 * capacity(A100):.3f}"
    money = [policy(usd=str(one(asked(RATE), A100, L4).run_rate.month.usd))]
    decision = one(asked(more), A100, L4, held=held, now=LATER, policies=money)
    assert (counts(decision), decision.budget.reason) == ({"a100-od": 2, "l4-od": 1}, "GrowthHeld")


def test_a_kind_that_is_no_longer_needed_leaves_after_half_an_hour() -> None:
    held = running(asked(RATE), A100, L4)
    less = asked(f"{1.8 * capacity(A100):.3f}")
    waiting = one(less, A100, L4, held=held, now=LATER)
    held = replace(held, history=History(fewer_since=NOW))
    done = one(less, A100, L4, held=held, now=NOW + timedelta(minutes=30))
    assert (counts(waiting), counts(done)) == ({"a100-od": 2, "l4-od": 1}, {"a100-od": 2})


def test_one_kind_becomes_two_make_before_break() -> None:
    placement = MIXED | {"rebalance": {"policy": "WhenCheaper", "minSavingPercent": 5}}
    what = asked(RATE, placement=placement)
    alone = running(what, A100)
    decision = one(what, A100, L4, held=alone, now=LATER)
    assert [(item.pool, item.replicas, item.role) for item in decision.placements] == [
        ("a100-od", 3, Role.BASE),
        ("l4-od", 1, Role.BASE),
    ]


def test_a_pool_that_backs_off_takes_no_part() -> None:
    paused = History(back_offs=(BackOff(pool="l4-od", until=LATER + timedelta(hours=1), failures=1),))
    what = asked(RATE)
    nothing = Holding(
        uid=what.uid,
        namespace=what.namespace,
        name=what.name,
        workload_class=WorkloadClass.REAL_TIME,
        category=Category.INFERENCE,
        history=paused,
    )
    decision = one(what, A100, L4, held=nothing, now=LATER)
    assert counts(decision) == {"a100-od": 3}
    assert {item.reason for item in decision.candidates if item.pool == "l4-od"} == {Reason.POOL_BACKING_OFF}
