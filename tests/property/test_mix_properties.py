"""The GPU mix against brute force on small worlds."""

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from inferfleet.plan.choice.mix_solver import COVERAGE_TOLERANCE, ReplicaKind, cheapest_mix

# Rates in tenths, so that no sum lies within the solver's tolerance of the demand without meeting it.
RATES = st.integers(0, 50).map(lambda tenths: tenths / 10)
PRICES = st.integers(0, 9_999_999).map(lambda micro: Decimal(micro) / 1_000_000)
OPTIONS = st.lists(
    st.builds(
        ReplicaKind,
        name=st.sampled_from(["a", "b", "c", "d"]),
        requests_per_second=RATES,
        usd_per_hour=PRICES,
        gpus=st.sampled_from([1, 2, 4, 8]),
        most=st.one_of(st.none(), st.integers(0, 4)),
    ),
    max_size=3,
    unique_by=lambda option: option.name,
)


def brute_force(options: Sequence[ReplicaKind], rate: float, most_kinds: int) -> tuple[Decimal, int] | None:
    """Return (USD per hour, GPUs) of the best counts, by trying all of them."""
    useful = [option for option in options if option.requests_per_second > 0]
    bounds = [math.ceil(rate / option.requests_per_second) + 1 for option in useful]
    ranges = [
        range(min(bound, option.most if option.most is not None else bound) + 1)
        for option, bound in zip(useful, bounds, strict=True)
    ]
    found = [
        (
            sum((option.usd_per_hour * count for option, count in zip(useful, counts, strict=True)), Decimal(0)),
            sum(option.gpus * count for option, count in zip(useful, counts, strict=True)),
        )
        for counts in product(*ranges)
        if sum(count > 0 for count in counts) <= most_kinds
        and sum(option.requests_per_second * count for option, count in zip(useful, counts, strict=True))
        >= rate * (1 - COVERAGE_TOLERANCE)
    ]
    return min(found, default=None)


@settings(max_examples=150, deadline=None)
@given(options=OPTIONS, rate=st.integers(0, 60).map(lambda tenths: tenths / 10), most_kinds=st.integers(1, 3))
def test_the_mix_is_what_brute_force_finds(options: list[ReplicaKind], rate: float, most_kinds: int) -> None:
    found = cheapest_mix(options, rate, most_kinds=most_kinds)
    answer = None if found is None else (found.usd_per_hour, found.gpus)
    assert answer == brute_force(options, rate, most_kinds)


@settings(max_examples=40, deadline=None)
@given(options=st.permutations([
    ReplicaKind(name="a", requests_per_second=1.1, usd_per_hour=Decimal("0.7")),
    ReplicaKind(name="b", requests_per_second=2.3, usd_per_hour=Decimal("1.4")),
    ReplicaKind(name="c", requests_per_second=2.3, usd_per_hour=Decimal("1.4")),
    ReplicaKind(name="d", requests_per_second=7.9, usd_per_hour=Decimal("4.1")),
]), rate=st.floats(0.1, 40))  # fmt: skip
def test_the_order_of_the_options_changes_nothing(options: list[ReplicaKind], rate: float) -> None:
    assert cheapest_mix(options, rate) == cheapest_mix(sorted(options, key=lambda option: option.name), rate)
