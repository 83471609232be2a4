"""Which labels a selector selects, as Kubernetes defines it."""

import itertools

import pytest

from inferfleet.api.enums import SelectorOperator
from inferfleet.api.v1alpha1 import LabelSelector, selects
from inferfleet.api.v1alpha1.metadata import SelectorRequirement

TEAM_A, TEAM_B, NO_TEAM = {"team": "a"}, {"team": "b"}, {"stage": "test"}


def on_team(operator: SelectorOperator, *values: str) -> LabelSelector:
    given = {"values": values} if values else {}
    return LabelSelector(match_expressions=(SelectorRequirement(key="team", operator=operator, **given),))


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        (LabelSelector(match_labels={"team": "a"}), (True, False, False)),
        (on_team(SelectorOperator.IN, "a"), (True, False, False)),
        (on_team(SelectorOperator.IN, "a", "b"), (True, True, False)),
        (on_team(SelectorOperator.NOT_IN, "a"), (False, True, True)),
        (on_team(SelectorOperator.EXISTS), (True, True, False)),
        (on_team(SelectorOperator.DOES_NOT_EXIST), (False, False, True)),
        (LabelSelector(), (True, True, True)),
        (None, (False, False, False)),
    ],
    ids=["matchLabels", "In", "In several", "NotIn", "Exists", "DoesNotExist", "the empty selector", "no selector"],
)
def test_a_selector_selects_as_in_kubernetes(selector: LabelSelector | None, selected: tuple[bool, ...]) -> None:
    assert tuple(selects(selector, labels) for labels in (TEAM_A, TEAM_B, NO_TEAM)) == selected


def test_the_empty_selector_selects_an_object_without_labels() -> None:
    assert selects(LabelSelector(), {})


def test_all_labels_of_a_selector_must_match() -> None:
    selector = LabelSelector(match_labels={"a": "1", "b": "2"})
    assert [pair for pair in itertools.product("12", "12") if selects(selector, zip("ab", pair, strict=True))] == [
        ("1", "2")
    ]


def test_labels_and_expressions_must_both_match() -> None:
    stage = SelectorRequirement(key="stage", operator=SelectorOperator.EXISTS)
    selector = LabelSelector(match_labels=TEAM_A, match_expressions=(stage,))
    assert [selects(selector, labels) for labels in (TEAM_A, NO_TEAM, TEAM_A | NO_TEAM)] == [False, False, True]
