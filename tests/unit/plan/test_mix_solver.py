"""Mixing kinds of replicas: exact, bounded, deterministic."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from inferfleet.plan.choice.mix_solver import Mix, ReplicaKind, cheapest_mix

SMALL = ReplicaKind(name="small", requests_per_second=1.0, usd_per_hour=Decimal("0.70"))
LARGE = ReplicaKind(name="large", requests_per_second=5.0, usd_per_hour=Decimal("3.00"))


def solved(options: Sequence[ReplicaKind], rate: float, **limits: Any) -> Mix:
    found = cheapest_mix(options, rate, **limits)
    assert found is not None
    return found


def test_a_small_replica_covers_what_a_large_one_leaves() -> None:
    found = solved([SMALL, LARGE], 6.0)
    assert found.counts == (("large", 1), ("small", 1))
    assert found.usd_per_hour == Decimal("3.70")
    assert found.requests_per_second == pytest.approx(6.0)


def test_one_kind_is_used_when_it_is_cheapest() -> None:
    assert solved([SMALL, LARGE], 4.0).counts == (("small", 4),)


def test_the_number_of_kinds_is_bounded() -> None:
    assert solved([SMALL, LARGE], 6.0, most_kinds=1).counts == (("small", 6),)


def test_stock_bounds_the_replicas_of_a_kind() -> None:
    scarce = ReplicaKind(name="large", requests_per_second=5.0, usd_per_hour=Decimal("3.00"), most=1)
    assert solved([SMALL, scarce], 12.0).counts == (("large", 1), ("small", 7))


def test_a_rate_that_no_combination_covers_has_no_mix() -> None:
    assert cheapest_mix([ReplicaKind(name="a", requests_per_second=1, usd_per_hour=Decimal(1), most=2)], 3.0) is None


def test_no_options_have_no_mix() -> None:
    assert cheapest_mix([], 1.0) is None


def test_kinds_that_serve_nothing_are_left_out() -> None:
    useless = ReplicaKind(name="useless", requests_per_second=0.0, usd_per_hour=Decimal(0))
    assert solved([useless, SMALL], 1.0).counts == (("small", 1),)


def test_a_rate_of_zero_needs_nothing() -> None:
    assert solved([SMALL], 0.0).counts == ()


def test_equal_costs_go_to_fewer_gpus() -> None:
    wide = ReplicaKind(name="a-wide", requests_per_second=2.0, usd_per_hour=Decimal(2), gpus=4)
    slim = ReplicaKind(name="b-slim", requests_per_second=2.0, usd_per_hour=Decimal(2), gpus=1)
    assert solved([wide, slim], 4.0).counts == (("b-slim", 2),)


def test_the_order_of_the_options_does_not_matter() -> None:
    twins = [ReplicaKind(name=name, requests_per_second=2.0, usd_per_hour=Decimal(2)) for name in ("a", "b", "c")]
    assert solved(twins, 7.0) == solved(list(reversed(twins)), 7.0)


def test_a_rate_met_exactly_is_met() -> None:
    assert solved([ReplicaKind(name="a", requests_per_second=0.1, usd_per_hour=Decimal(1))], 0.3).counts == (("a", 3),)


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_a_rate_that_is_no_number_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="requests_per_second is"):
        cheapest_mix([SMALL], rate)


def test_names_that_repeat_are_refused() -> None:
    with pytest.raises(ValueError, match="kind names repeat"):
        cheapest_mix([SMALL, SMALL], 1.0)


@pytest.mark.parametrize("price", ["NaN", "-1", "Infinity"])
def test_a_price_that_is_no_amount_is_refused(price: str) -> None:
    with pytest.raises(ValueError, match="usd_per_hour is"):
        cheapest_mix([ReplicaKind(name="a", requests_per_second=1, usd_per_hour=Decimal(price))], 1.0)


def test_a_negative_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="most is -1"):
        cheapest_mix([ReplicaKind(name="a", requests_per_second=1, usd_per_hour=Decimal(1), most=-1)], 1.0)


def test_no_kinds_allowed_is_refused() -> None:
    with pytest.raises(ValueError, match="most_kinds is 0"):
        cheapest_mix([SMALL], 1.0, most_kinds=0)
