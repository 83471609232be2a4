"""Conditions: the part of every status that says where things stand, and why.

In: the conditions stored so far and a new observation. Out: the conditions to write. A time changes only when a status
flips (Kubernetes API conventions, "Typical status properties"); the caller brings the time. This file must not decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from inferfleet.api.enums import ConditionStatus
from inferfleet.api.lists import list_map
from inferfleet.api.model import StatusModel
from inferfleet.api.scalars import Integer, Timestamp

_CamelCaseWord = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", max_length=128)]


class Condition(StatusModel):
    """One aspect of an object's state."""

    type: _CamelCaseWord
    """Which aspect: Ready is the root and carries the deepest reason."""
    status: ConditionStatus
    """True, False or Unknown."""
    reason: _CamelCaseWord
    """Why, in one CamelCase word."""
    message: Annotated[str, StringConstraints(max_length=4096)] = ""
    """Why, in a sentence with numbers."""
    observed_generation: Annotated[Integer, Field(ge=0, le=2**53 - 1)] | None = None
    """The metadata.generation that was looked at."""
    last_transition_time: Timestamp | None = None
    """When status changed last."""


Conditions = Annotated[tuple[Condition, ...], Field(max_length=16), list_map("type")]
"""At most one condition per type."""


def find_condition(conditions: Iterable[Condition], condition_type: str) -> Condition | None:
    """Return the condition of this type, or None."""
    return next((condition for condition in conditions if condition.type == condition_type), None)


def with_condition(conditions: tuple[Condition, ...], new: Condition) -> tuple[Condition, ...]:
    """Return the conditions with `new` in the place of the one of its type, or at the end.

    The former `last_transition_time` stays when the status stays: a refined message is no transition.
    """
    former = find_condition(conditions, new.type)
    if former is None:
        return (*conditions, new)
    if former.status == new.status and former.last_transition_time is not None:
        new = new.model_copy(update={"last_transition_time": former.last_transition_time})
    return tuple(new if condition.type == new.type else condition for condition in conditions)
