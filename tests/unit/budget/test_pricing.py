"""What a million tokens cost: at the stated volume, at the peak where none is stated, or over a batch."""

from decimal import Decimal

from inferfleet.budget import unit_cost
from inferfleet.domain.money import RunRate, Total
from tests.builders import BATCH, spec


def test_a_stated_volume_spreads_the_month_s_cost_over_its_tokens() -> None:
    asked = spec(traffic={"requestsPerMonth": 2_000_000, "inputTokens": 800, "outputTokens": 300})
    found = unit_cost(asked, RunRate(Decimal("3.20")))
    assert found is not None
    assert (round(found.usd_per_million_tokens, 2), found.at_peak) == (Decimal("1.06"), False)


def test_without_a_volume_the_peak_is_taken_to_last_all_month_and_said_so() -> None:
    asked = spec(traffic={"requestsPerSecond": "1", "inputTokens": 900, "outputTokens": 100})
    found = unit_cost(asked, RunRate(Decimal("3.60")))
    assert found is not None
    assert (found.usd_per_million_tokens, found.at_peak) == (Decimal(1), True)


def test_a_batch_spreads_its_total_over_its_lines() -> None:
    found = unit_cost(spec(BATCH), RunRate(Decimal(1)), Total(Decimal(6)))
    assert found is not None
    assert found.usd_per_million_tokens == Decimal("0.1")


def test_a_batch_whose_lines_nobody_counted_has_no_unit_cost() -> None:
    uncounted = spec(BATCH, batch={"requests": None})
    assert unit_cost(uncounted, RunRate(Decimal(1)), Total(Decimal(6))) is None
