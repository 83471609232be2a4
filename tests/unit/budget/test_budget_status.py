"""The ledger that a BudgetPolicy shows is the one that refuses: what was promised, and what pods still occupy."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from inferfleet.api.enums import Category
from inferfleet.api.v1alpha1 import BudgetPolicyStatus
from inferfleet.budget.ledger import Ledger
from inferfleet.domain.demand import Bound, Holding
from inferfleet.domain.world import Policy
from inferfleet.plan import decide
from inferfleet.report.platform_status import budget_status
from tests.builders import demand, holding, policy, pool, world

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
L40S = pool("l40s-od", "nvidia-l40s-48gb", usd="1.00")
# One replica of one GPU at USD 1 per hour, and nothing else of that deployment.
PER_GPU = Decimal("730.00")


def held(name: str, **change: Any) -> Holding:
    (decision,) = decide(world(L40S), [demand(name)])
    return replace(holding(demand(name), decision), **change)


def shown(*holdings: Holding, of: Policy | None = None) -> BudgetPolicyStatus:
    where = world(L40S, policies=[of or policy()], holdings=holdings)
    statement = Ledger(where).statement(where.policies[0])
    return budget_status(BudgetPolicyStatus(), statement, generation=1, now=NOW)


def test_what_pods_still_occupy_after_a_decrease_is_shown() -> None:
    status = shown(held("chat", bound=(Bound(node="l40s-od-0", gpus=3),)))
    assert status.reserved_usd_per_month == 3 * PER_GPU
    assert status.reservations[0].usd_per_month == 3 * PER_GPU


def test_the_last_pods_of_a_deployment_that_is_gone_are_shown() -> None:
    status = shown(held("gone", placements=(), bound=(Bound(node="l40s-od-0", gpus=1),)))
    (row,) = status.reservations
    assert (row.name, row.replicas, row.capacity_type, row.usd_per_month) == ("gone", 0, None, PER_GPU)


def test_categories_add_up_to_the_whole() -> None:
    training = held("train", category=Category.TRAINING, uid="train")
    status = shown(held("chat"), training)
    assert sum(line.reserved_usd_per_month or 0 for line in status.categories) == status.reserved_usd_per_month


def test_namespaces_of_others_are_not_shown() -> None:
    status = shown(held("chat", namespace_labels=(("team", "b"),)))
    assert status.reserved_usd_per_month == 0
    assert status.reservations == ()


def test_the_largest_comes_first_and_all_are_counted() -> None:
    many = [held(f"chat-{number}", uid=str(number)) for number in range(65)]
    largest = replace(many[40], bound=(Bound(node="l40s-od-0", gpus=2),))
    status = shown(*many[:40], largest, *many[41:])
    assert (len(status.reservations), status.reservations_total, status.reservations[0].name) == (64, 65, "chat-40")
