"""What is promised of a budget, over hours of edits, moves, back-offs, batches and changing limits."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from inferfleet.budget import Ledger, Statement, enforced
from tests.histories import history


def statements(seed: int, *, limits_move: bool, pods_drain: bool = False) -> Iterator[tuple[Statement, Statement]]:
    """Every enforced policy before and after each decision of a history whose prices stay."""
    for moment in history(seed, limits_move=limits_move, prices_move=False, pods_drain=pods_drain):
        before = Ledger(moment.world)
        after = Ledger(replace(moment.world, holdings={item.uid: item for item in moment.after.values()}))
        for policy in moment.world.policies:
            if enforced(policy):
                yield before.statement(policy), after.statement(policy)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**31))
def test_no_decision_takes_an_enforced_limit_further_over(seed: int) -> None:
    for before, after in statements(seed, limits_move=True):
        former = {line.category: line.promised for line in (before.whole, *before.categories)}
        for line in (after.whole, *after.categories):
            known = former.get(line.category, line.committed)
            assert line.limit is None or line.promised <= max(line.limit, known)


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**31))
def test_no_decision_makes_a_policy_exceeded(seed: int) -> None:
    for before, after in statements(seed, limits_move=True):
        assert before.exceeded is not None or after.exceeded is None


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**31))
def test_a_policy_whose_limits_stay_is_never_exceeded(seed: int) -> None:
    for _, after in statements(seed, limits_move=False):
        assert after.exceeded is None


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**31))
def test_pods_that_leave_late_make_no_policy_exceeded(seed: int) -> None:
    for before, after in statements(seed, limits_move=True, pods_drain=True):
        assert before.exceeded is not None or after.exceeded is None
