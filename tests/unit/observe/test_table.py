"""The table of a watched kind: versions, deletions, complete lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from inferfleet.domain.keys import NamespacedName
from inferfleet.observe.table import Table

Change = tuple[int | None, int | None]


@pytest.fixture
def changes() -> list[Change]:
    return []


@pytest.fixture
def table(changes: list[Change]) -> Table[NamespacedName, int]:
    return Table(
        lambda document: document.get("value"), NamespacedName, on_change=lambda old, new: changes.append((old, new))
    )


def document(name: str, version: int, value: int | None = 0, *, uid: str = "u") -> Mapping[str, Any]:
    return {"metadata": {"name": name, "uid": uid, "resourceVersion": str(version)}, "value": value}


def test_a_change_is_told_with_old_and_new(table: Table[NamespacedName, int], changes: list[Change]) -> None:
    table.put(document("a", 1, 10))
    table.put(document("a", 2, 11))
    table.delete(document("a", 3))

    assert changes == [(None, 10), (10, 11), (11, None)]


def test_an_unchanged_value_is_not_told(table: Table[NamespacedName, int], changes: list[Change]) -> None:
    table.put(document("a", 1, 10))
    table.put(document("a", 2, 10))

    assert changes == [(None, 10)]


def test_an_older_version_never_replaces_a_newer_one(table: Table[NamespacedName, int]) -> None:
    table.put(document("a", 5, 50))
    table.put(document("a", 4, 40))

    assert table.get(NamespacedName("", "a")) == 50


def test_a_late_word_of_a_predecessor_does_not_replace_its_namesake(table: Table[NamespacedName, int]) -> None:
    table.put(document("a", 5, 50, uid="new"))
    table.put(document("a", 4, 40, uid="old"))

    assert table.get(NamespacedName("", "a")) == 50


def test_a_late_answer_does_not_bring_a_deleted_object_back(table: Table[NamespacedName, int]) -> None:
    table.put(document("a", 1, 10))
    table.delete(document("a", 3))
    table.put(document("a", 2, 20))

    assert table.get(NamespacedName("", "a")) is None


def test_a_late_deletion_does_not_take_the_successor_away(table: Table[NamespacedName, int]) -> None:
    table.put(document("a", 5, 50, uid="new"))
    table.delete(document("a", 3, uid="old"))

    assert table.get(NamespacedName("", "a")) == 50


def test_what_a_complete_list_lacks_was_deleted_unseen(
    table: Table[NamespacedName, int], changes: list[Change]
) -> None:
    table.put(document("gone", 1, 10))
    table.put(document("stays", 2, 20))
    changes.clear()

    table.end_list({table.put(document("stays", 2, 20))}, version="9")

    assert changes == [(10, None)]
    assert table.synced


def test_what_is_newer_than_a_list_survives_it(table: Table[NamespacedName, int]) -> None:
    table.put(document("new", 12, 10))

    table.end_list((), version="9")

    assert table.get(NamespacedName("", "new")) == 10


def test_a_list_of_one_namespace_leaves_the_others_alone(table: Table[NamespacedName, int]) -> None:
    other = {"metadata": {"name": "a", "namespace": "other", "uid": "u", "resourceVersion": "1"}, "value": 1}
    table.put(other)

    table.end_list((), version="9", namespace="mine")

    assert table.get(NamespacedName("other", "a")) == 1


def test_an_object_that_stops_mattering_disappears(table: Table[NamespacedName, int], changes: list[Change]) -> None:
    table.put(document("a", 1, 10))
    table.put(document("a", 2, None))

    assert changes[-1] == (10, None)


def test_the_version_seen_last_is_known(table: Table[NamespacedName, int]) -> None:
    table.put(document("a", 7))
    assert (table.version_of(NamespacedName("", "a")), table.version_of(NamespacedName("", "b"))) == ("7", None)
