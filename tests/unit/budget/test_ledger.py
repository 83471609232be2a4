"""The ledger: totals, categories, commitments, growth, warnings, and who is told what."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from inferfleet.api.enums import CapacityType
from inferfleet.api.reasons import ReadyReason
from inferfleet.budget.ledger import Ledger
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Bound, Demand
from inferfleet.domain.money import Total
from inferfleet.domain.world import Policy
from inferfleet.plan import decide
from tests.builders import BATCH, demand, holding, placed, policy, pool, world

POOL = pool("l40s-od", "nvidia-l40s-48gb", usd="1.00", nodes=20)
MONTH = Decimal(730)  # one GPU of that pool


def one_gpu(name: str = "chat", **change: object) -> Demand:
    """A demand for exactly one replica of one GPU: 730 USD per month."""
    fixed: dict[str, object] = {"replicas": 1, "placement": {"maxTensorParallelSize": 1}}
    return demand(name, **(fixed | change))  # type: ignore[arg-type]


def admit(demands: list[Demand], *policies: Policy) -> list[Decision]:
    return list(decide(world(POOL, policies=policies), demands))


def test_exactly_the_limit_is_admitted_and_a_cent_less_is_not() -> None:
    (at_limit,) = admit([one_gpu()], policy(usd="730"))
    (below,) = admit([one_gpu()], policy(usd="729.99"))
    assert (at_limit.blocked, below.blocked) == (None, ReadyReason.OVER_BUDGET)


def test_commitments_count_before_anything_runs() -> None:
    cluster = {
        "name": "ft",
        "category": "FineTuning",
        "gpuType": "nvidia-a100-80gb",
        "gpus": 1,
        "hoursPerMonth": "10",
        "usdPerGPUHour": "1",
    }
    (decision,) = admit([one_gpu()], policy(usd="739.99", commitments=[cluster]))
    assert decision.blocked is ReadyReason.OVER_BUDGET
    assert "commitments 10.00" in decision.message


def test_a_category_cap_refuses_although_the_total_would_allow() -> None:
    (decision,) = admit([one_gpu()], policy(usd="5000", categories=[{"name": "Inference", "usdPerMonth": "700"}]))
    assert decision.blocked is ReadyReason.OVER_BUDGET
    assert "category Inference" in decision.message


def test_a_category_that_the_policy_does_not_pay_for_is_refused() -> None:
    (decision,) = admit([one_gpu()], policy(allowedCategories=["Experimentation"]))
    assert decision.blocked is ReadyReason.OVER_BUDGET
    assert "not for category Inference" in decision.message


def test_all_matching_policies_apply() -> None:
    (decision,) = admit([one_gpu()], policy("wide", usd="9000"), policy("narrow", usd="10"))
    assert decision.blocked is ReadyReason.OVER_BUDGET
    assert "BudgetPolicy narrow" in decision.message


def test_a_policy_that_only_warns_admits_and_says_so() -> None:
    (decision,) = admit([one_gpu()], policy(usd="10", enforcement="Warn"))
    assert (decision.blocked, decision.budget.reason) == (None, "Warned")


def test_the_last_dollar_goes_to_one_of_two_and_to_the_higher_priority() -> None:
    low = one_gpu("a-low", workload={"class": "RealTime", "priority": "Low"})
    high = one_gpu("b-high", workload={"class": "RealTime", "priority": "High"})
    decisions = admit([low, high], policy(usd="1000"))
    assert [decision.name for decision in decisions if decision.placements] == ["b-high"]


def test_a_policy_caps_the_priority() -> None:
    first = one_gpu("a", workload={"class": "RealTime", "priority": "Normal"})
    loud = one_gpu("b", workload={"class": "RealTime", "priority": "High"})
    decisions = admit([loud, first], policy(usd="1000", maxPriority="Normal"))
    assert [decision.name for decision in decisions if decision.placements] == ["a"]


def test_a_refusal_names_holders_of_the_namespace_and_hides_others() -> None:
    mine, theirs = one_gpu("mine"), one_gpu("secret-project", namespace="squad-a")
    both = admit([mine, theirs], policy(usd="2000"))
    held = [holding(mine, both[1]), holding(theirs, both[0])]
    where = world(POOL, policies=[policy(usd="2000")], holdings=held)
    (decision,) = decide(where, [one_gpu("late")])
    assert "mine 730.00" in decision.message
    assert "other namespaces 730.00" in decision.message
    assert "secret-project" not in decision.message


def test_growth_gets_as_much_as_the_budget_holds_and_keeps_serving() -> None:
    small = one_gpu()
    (first,) = admit([small], policy(usd="1500"))
    where = world(POOL, policies=[policy(usd="1500")], holdings=[holding(small, first)])
    (second,) = decide(where, [one_gpu(replicas=5)])
    assert placed(second).replicas == 2
    assert (second.blocked, second.budget.reason) == (None, "GrowthHeld")


def test_a_lowered_budget_keeps_what_runs_and_refuses_what_is_new() -> None:
    small = one_gpu()
    (first,) = admit([small], policy(usd="1500"))
    where = world(POOL, policies=[policy(usd="100")], holdings=[holding(small, first)])
    kept, new = decide(where, [small, one_gpu("new")])
    assert placed(kept).replicas == 1
    assert new.blocked is ReadyReason.OVER_BUDGET


def test_reserve_max_holds_the_largest_count() -> None:
    roomy = one_gpu(scaling={"maxReplicas": 3, "reserve": "Max"})
    (decision,) = admit([roomy], policy(usd="5000"))
    assert (decision.budget.policies, decision.budget.reserved.month.usd) == (("team-a",), 3 * MONTH)


def test_suspending_frees_the_money_for_the_next_in_line() -> None:
    held = one_gpu("a")
    (first,) = admit([held], policy(usd="730"))
    where = world(POOL, policies=[policy(usd="730")], holdings=[holding(held, first)])
    decisions = decide(where, [one_gpu("a", replicas=0), one_gpu("b")])
    assert decisions[1].placements != ()


def test_a_batch_that_the_budget_cannot_hold_is_refused() -> None:
    spot = pool("spot", "nvidia-l40s-48gb", usd="1.00")
    job = demand(base=BATCH, placement={"spotPolicy": "Never"})
    (decision,) = decide(world(spot, policies=[policy(usd="0.01")]), [job])
    assert decision.blocked is ReadyReason.OVER_BUDGET


def test_a_free_pool_fits_an_empty_budget() -> None:
    owned = pool("owned", "nvidia-l40s-48gb", usd="0")
    (decision,) = decide(world(owned, policies=[policy(usd="0")]), [one_gpu()])
    assert decision.placements != ()


def test_a_batch_that_has_ended_holds_nothing_and_is_not_placed_again() -> None:
    spot = pool("spot", "nvidia-l40s-48gb", usd="1.00", capacity_type=CapacityType.SPOT)
    job = demand("job", base=BATCH)
    (started,) = decide(world(spot), [job])
    ended = replace(holding(job, started), finished=True, forecast=Total(Decimal(50)))
    where = world(spot, policies=[policy(usd="40")], holdings=[ended])
    (decision,) = decide(where, [job])
    assert (decision.placements, decision.budget.policies) == (started.placements, ())
    assert not Ledger(where).statement(where.policies[0]).holders


def test_money_of_a_suspended_deployment_is_free_only_when_its_pods_are_gone() -> None:
    tight, running = policy(usd="800"), one_gpu("a-first")
    (before,) = admit([running], tight)
    suspended = one_gpu("a-first", replicas=0)

    def next_one(bound: tuple[Bound, ...]) -> Decision:
        where = world(POOL, policies=[tight], holdings=[holding(running, before, bound)])
        return decide(where, [suspended, one_gpu("b-next")])[1]

    draining, gone = next_one((Bound(node=POOL.nodes[0].name, gpus=1),)), next_one(())

    assert (draining.blocked, gone.blocked) == (ReadyReason.OVER_BUDGET, None)
    assert "a-first 730.00" in draining.message


def test_money_of_replicas_that_still_run_is_not_given_away_by_a_smaller_decision() -> None:
    tight, wide = policy(usd="2200"), one_gpu("a-wide", replicas=3)
    (before,) = admit([wide], tight)
    pods = (Bound(node=POOL.nodes[0].name, gpus=3),)
    where = world(POOL, policies=[tight], holdings=[holding(wide, before, pods)])

    smaller, late = decide(where, [one_gpu("a-wide", replicas=1), one_gpu("b-late")])

    assert placed(smaller).replicas == 1
    assert late.blocked is ReadyReason.OVER_BUDGET


def test_pods_of_a_roll_out_do_not_let_their_owner_grow_beyond_the_limit() -> None:
    tight, small = policy(usd="800"), one_gpu()
    (before,) = admit([small], tight)
    old_and_new = (Bound(node=POOL.nodes[0].name, gpus=2),)
    where = world(POOL, policies=[tight], holdings=[holding(small, before, old_and_new)])

    (decision,) = decide(where, [one_gpu(replicas=2)])

    assert (placed(decision).replicas, decision.budget.reason) == (1, "GrowthHeld")


def test_a_running_batch_that_is_made_larger_is_asked_for_the_money() -> None:
    spot = pool("l40s-spot", "nvidia-l40s-48gb", usd="1.00", capacity_type=CapacityType.SPOT)
    small = demand("job", base=BATCH)
    (first,) = decide(world(spot, policies=[policy(usd="10")]), [small])
    assert first.chosen is not None
    held = holding(small, first, forecast=first.chosen.total)
    size = {"requests": 50_000_000, "deadlineSeconds": 20_000_000}
    large = replace(demand("job", base=BATCH, batch=size), generation=2)

    (decision,) = decide(world(spot, policies=[policy(usd="10")], holdings=[held]), [large])

    assert decision.blocked is ReadyReason.OVER_BUDGET
    assert decision.placements == first.placements


def test_a_larger_reserve_is_asked_for_the_money() -> None:
    bounds = {"maxReplicas": 2, "reserve": "Max"}
    modest = one_gpu(scaling=bounds)
    (first,) = admit([modest], policy(usd="1500"))
    greedy = replace(one_gpu(scaling=bounds | {"maxReplicas": 50}), generation=2)
    where = world(POOL, policies=[policy(usd="1500")], holdings=[holding(modest, first)])

    (decision,) = decide(where, [greedy])

    assert decision.blocked is ReadyReason.OVER_BUDGET
    assert placed(decision).replicas == 1


def test_what_is_reserved_for_growth_is_not_given_to_others() -> None:
    roomy = one_gpu("a-roomy", scaling={"maxReplicas": 3, "reserve": "Max"})
    (first,) = admit([roomy], policy(usd="2500"))
    held = holding(roomy, first, reserved_replicas=3)
    where = world(POOL, policies=[policy(usd="2500")], holdings=[held])

    (late,) = decide(where, [one_gpu("b-late")])

    assert late.blocked is ReadyReason.OVER_BUDGET
    assert "a-roomy 2190.00" in late.message


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize(
    "rule", [{"categories": [{"name": "Experimentation", "usdPerMonth": "100"}]}, {"allowedCategories": ["Inference"]}]
)
def test_another_category_is_a_new_claim_and_what_ran_goes_on(rule: dict[str, Any], replicas: int) -> None:
    running, strict = one_gpu(), policy(usd="5000", **rule)
    (first,) = admit([running], strict)
    other = replace(
        one_gpu(workload={"class": "RealTime", "category": "Experimentation"}, replicas=replicas), generation=2
    )
    where = world(POOL, policies=[strict], holdings=[holding(running, first)])
    (decision,) = decide(where, [other])
    assert (decision.blocked, decision.placements) == (ReadyReason.OVER_BUDGET, first.placements)
