"""A decision in the words and numbers of status."""

from dataclasses import replace
from decimal import Decimal

from inferfleet.api.enums import CapacityType, Role
from inferfleet.domain.decision import BudgetVerdict, Decision
from inferfleet.domain.demand import Demand
from inferfleet.domain.placement import Placement
from inferfleet.plan import decide
from inferfleet.report import decision_view
from tests.builders import BATCH, demand, placed, policy, pool, world

L40S = pool("l40s-od", "nvidia-l40s-48gb", usd="1.60")
SPOT = pool("l40s-spot", "nvidia-l40s-48gb", usd="0.95", capacity_type=CapacityType.SPOT)


def decided(asked: Demand) -> Decision:
    (found,) = decide(world(L40S, SPOT, policies=[policy()]), [asked])
    return found


def twice(decision: Decision, **change: object) -> tuple[Placement, Placement]:
    first = placed(decision)
    return first, replace(first, name="chat-2", **change)  # type: ignore[arg-type]  # fields by keyword


def test_nothing_to_run_has_no_placement_and_no_cost() -> None:
    nothing = decided(demand(replicas=0))
    assert decision_view.placement_summary(nothing) is None
    assert decision_view.placement_rows(nothing) == ()
    assert decision_view.cost_status(nothing, demand().spec) is None


def test_the_summary_is_the_largest_placement() -> None:
    decision = decided(demand())
    several = replace(decision, placements=twice(decision, replicas=9, pool="other"))
    summary = decision_view.placement_summary(several)
    assert summary is not None
    assert (summary.pool, summary.replicas) == ("other", 9)


def test_ready_replicas_are_counted_by_placement_name() -> None:
    decision = decided(demand())
    several = replace(decision, placements=twice(decision, role=Role.DRAINING))
    rows = decision_view.placement_rows(several, {"chat-2": 3})
    assert [(row.name, row.ready_replicas, row.role) for row in rows] == [
        ("chat", 0, "Base"),
        ("chat-2", 3, "Draining"),
    ]


def test_money_is_exact_and_has_cents() -> None:
    asked = demand(traffic={"requestsPerMonth": 2_000_000})
    cost = decision_view.cost_status(decided(asked), asked.spec)
    assert cost is not None
    assert (str(cost.usd_per_hour), str(cost.usd_per_month), cost.usd_total) == ("1.60", "1168.00", None)
    assert (cost.usd_per_million_tokens, cost.price_source) == (Decimal("0.5309"), "pool l40s-od")


def test_a_batch_has_a_total() -> None:
    asked = demand(base=BATCH)
    cost = decision_view.cost_status(decided(asked), asked.spec)
    assert cost is not None
    assert cost.usd_total is not None
    assert cost.usd_total < (cost.usd_per_month or 0)


def test_the_memory_is_that_of_the_chosen_candidate_with_two_decimals() -> None:
    decision = decided(demand())
    memory, chosen = decision_view.chosen_memory(decision), decision.chosen
    assert memory is not None
    assert chosen is not None
    assert chosen.memory is not None
    assert str(memory.weights_gib) == f"{chosen.memory.weights_gib:.2f}"


def test_the_number_of_candidates_can_be_bounded() -> None:
    assert len(decision_view.candidate_rows(decided(demand()), most=2)) == 2


def test_what_was_refused_before_memory_was_asked_has_no_numbers() -> None:
    refused = next(row for row in decision_view.candidate_rows(decided(demand())) if row.pool == "l40s-spot")
    assert (refused.required_gib, refused.replicas, refused.usd_per_month) == (None, None, None)


def test_every_policy_that_matches_has_its_share() -> None:
    decision = decided(demand())
    assert [share.policy for share in decision_view.budget_shares(decision)] == ["team-a"]


def test_a_negative_margin_is_a_negative_number_of_gib() -> None:
    large = decided(demand(model={"id": "meta-llama/Llama-3.3-70B-Instruct"}))
    single = next(row for row in large.candidates if row.memory and row.tensor_parallel_size == 1)
    assert single.memory is not None
    assert decision_view.memory_status(single.memory).margin_gib < 0


def test_nothing_reserved_means_no_shares() -> None:
    decision = replace(decided(demand()), budget=BudgetVerdict(within=True, reason="NoPolicy", message=""))
    assert decision_view.budget_shares(decision) == ()
