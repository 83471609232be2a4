"""Conditions: the part of every status that says where things stand, and why.

In: the stored conditions, a new one and the time. Out: the condition to write. A time changes only when a status
flips (Kubernetes API conventions, "Typical status properties"). This file must not decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
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


def timed(former: Iterable[Condition], new: Condition, now: datetime) -> Condition:
    """Return the condition with the time at which its status changed last, in whole seconds.

    The time of the condition of its type among `former` stays while the status does: a new reason is no transition.
    """
    before = find_condition(former, new.type)
    stays = before is not None and before.status == new.status and before.last_transition_time is not None
    time = before.last_transition_time if before is not None and stays else now.replace(microsecond=0)
    return new.model_copy(update={"last_transition_time": time})
