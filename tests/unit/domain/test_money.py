"""A rate and a total are different types: only time turns one into the other.

Each `type: ignore` below is used: mypy runs with warn_unused_ignores, so it proves that these sums are type errors.
"""

from decimal import Decimal

import pytest

from inferfleet.domain.money import Charge, RunRate, Total

HOURLY, ONCE = RunRate(Decimal("2.00")), Total(Decimal("7.50"))


def test_a_rate_and_a_total_cannot_be_added() -> None:
    with pytest.raises(TypeError):
        HOURLY + ONCE  # type: ignore[operator]
    with pytest.raises(TypeError):
        ONCE + HOURLY  # type: ignore[operator]


def test_a_rate_and_a_total_cannot_be_subtracted_or_compared() -> None:
    with pytest.raises(TypeError):
        HOURLY - ONCE  # type: ignore[operator]
    with pytest.raises(TypeError):
        assert HOURLY < ONCE  # type: ignore[operator]


def test_time_turns_a_rate_into_a_total() -> None:
    assert HOURLY.over(Decimal("1.5")) == Total(Decimal("3.000"))
    assert HOURLY.month == Total(Decimal("1460.00"))


def test_a_charge_holds_both_and_takes_both_of_a_month() -> None:
    both = Charge(HOURLY) + Charge(total=ONCE)
    assert both.month == Total(Decimal("1467.50"))
    assert both - Charge(HOURLY) == Charge(total=ONCE)
    assert not Charge()
    assert Charge.sum([both, both]) == Charge(RunRate(Decimal(4)), Total(Decimal(15)))
