"""One sum for one budget: what admission checks is what the status shows."""

from dataclasses import replace
from decimal import Decimal

import pytest

from inferfleet.api.enums import CapacityType, Category
from inferfleet.api.reasons import ReadyReason
from inferfleet.budget import Ledger, Statement
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.demand import Bound, Holding
from inferfleet.domain.money import Total
from inferfleet.domain.world import Policy, World
from inferfleet.plan import decide
from tests.builders import BATCH, demand, holding, placed, policy, pool, price, world

L40S = pool("l40s-od", "nvidia-l40s-48gb", usd="1.00")
SPOT = pool("l40s-spot", "nvidia-l40s-48gb", usd="1.00", capacity_type=CapacityType.SPOT)
MONTH = Decimal(730)


def batch(total: str, namespace: str = "team-a") -> Holding:
    """A batch that runs and was admitted with this forecast."""
    night = demand("night", base=BATCH, namespace=namespace)
    (decision,) = decide(world(SPOT), [night])
    return holding(night, decision, forecast=Total(Decimal(total)))


def replicas(count: int) -> Holding:
    """Real-time work of so many L40S at USD 1 per hour."""
    chat = demand("chat")
    (decision,) = decide(world(L40S), [chat])
    served = replace(placed(decision), replicas=count, price=price("1.00"))
    return replace(holding(chat, decision), placements=(served,))


def statement(of: Policy, *holdings: Holding) -> Statement:
    return Ledger(world(L40S, SPOT, policies=[of], holdings=holdings)).statement(of)


def test_a_batch_and_real_time_work_are_summed_up_once() -> None:
    found = statement(policy(usd="1500"), batch("700"), replicas(1))
    assert found.whole.reserved.total == Total(Decimal(700))
    assert found.whole.reserved.month == Total(700 + MONTH)
    assert found.remaining == Total(Decimal(1500) - 700 - MONTH)


def where(of: Policy, *holdings: Holding) -> World:
    return world(L40S, SPOT, policies=[of], holdings=holdings)


def test_real_time_work_is_not_admitted_into_the_money_of_a_batch() -> None:
    """Two replicas cost 1460 of 1500 USD; a batch holds 700 of them."""
    of, what = policy(usd="1500"), demand("chat", scaling={"minReplicas": 2})
    (decision,) = decide(where(of, batch("700")), [what])
    assert decision.blocked is ReadyReason.OVER_BUDGET
    assert "800.00 of 1500.00 left, 660.00 short; held by night 700.00" in decision.message
    assert Ledger(where(of, batch("700"))).statement(of).exceeded is None


@pytest.mark.parametrize(("cap", "limit"), [("700", "5000"), ("5000", "700")], ids=["a category", "the whole"])
def test_exceeded_names_the_line_of_which_more_is_promised_than_its_limit(cap: str, limit: str) -> None:
    of = policy(usd=limit, categories=[{"name": "Inference", "usdPerMonth": cap}])
    line = statement(of, replicas(1)).exceeded
    assert line is not None
    assert line.category is (Category.INFERENCE if limit == "5000" else None)
    assert line.remaining == Total(Decimal(-30))


def test_pods_that_end_exceed_nothing_and_leave_newcomers_nothing() -> None:
    """One replica is promised, and its predecessor's pod still has a GPU: 1460 of 1000 USD are reserved."""
    moving = replace(replicas(1), bound=(Bound(node="l40s-od-0", gpus=2),))
    found, (late,) = statement(policy(usd="1000"), moving), decide(where(policy(usd="1000"), moving), [demand("late")])

    assert (found.whole.reserved.month, found.whole.promised) == (Total(2 * MONTH), Total(MONTH))
    assert (found.exceeded, found.remaining) == (None, Total())
    assert late.blocked is ReadyReason.OVER_BUDGET


def test_work_that_shrinks_into_another_category_does_not_exceed_its_cap_with_the_pods_that_end() -> None:
    caps = [{"name": "Experimentation", "usdPerMonth": "1000"}]
    shrunk = replace(replicas(1), category=Category.EXPERIMENTATION, bound=(Bound(node="l40s-od-0", gpus=4),))
    assert statement(policy(usd="5000", categories=caps), shrunk).exceeded is None


def test_what_is_promised_to_the_last_cent_is_not_exceeded() -> None:
    assert statement(policy(usd="730"), replicas(1)).exceeded is None


def test_an_engine_that_is_slower_than_the_forecast_of_its_batch_shows_what_it_will_cost() -> None:
    """A measurement is no decision: the money is not hidden, and nobody else is admitted into it."""
    night, of = demand("night", base=BATCH), policy(usd="3")
    (first,) = decide(where(of), [night])
    assert first.chosen is not None
    held = holding(night, first, forecast=first.chosen.total)
    slower = Calibration(
        namespace="team-a",
        model_id=night.model.id,
        gpu_type="nvidia-l40s-48gb",
        engine=placed(first).engine,
        speed_scale=2.0,
        speed_samples=9,
    )
    (again,) = decide(replace(where(of, held), calibrations=(slower,)), [night])
    assert again.chosen is not None
    assert again.placements == first.placements
    assert again.budget.reserved.total == again.chosen.total
    assert again.budget.reserved.total > first.budget.reserved.total
