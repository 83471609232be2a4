"""The planner finds what looking at every possibility finds; `python -m benchmarks.plan` asks ten thousand times."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.plan.small_worlds import disagreement


def test_the_first_three_hundred_worlds_are_decided_as_brute_force_decides_them() -> None:
    assert Counter(disagreement(seed) for seed in range(300)) == {None: 300}


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(10_000, 2**31))
def test_any_other_world_is_decided_as_brute_force_decides_it(seed: int) -> None:
    assert disagreement(seed) is None
