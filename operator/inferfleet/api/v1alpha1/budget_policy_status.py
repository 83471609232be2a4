"""The status of a BudgetPolicy: the ledger as its owner sees it.

In: the operator's report, or a stored status. Out: frozen values in USD. `remaining` may be negative after an outside
change.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from inferfleet.api.conditions import Conditions
from inferfleet.api.enums import CapacityType, Category
from inferfleet.api.lists import ATOMIC, list_map
from inferfleet.api.model import StatusModel
from inferfleet.api.scalars import Figure, Integer, ObjectName


class CategoryUse(StatusModel):
    """What one category uses."""

    name: Category
    """The category."""
    usd_per_month: Figure | None = None
    """Its cap; absent: bounded by the total only."""
    reserved_usd_per_month: Figure | None = None
    """Reserved by deployments."""
    committed_usd_per_month: Figure | None = None
    """Committed outside the operator."""
    spent_usd: Figure | None = None
    """Spent in this period."""
    percent_of_total: Figure | None = None
    """Share of the budget's limit that is reserved and committed here, in per cent."""


class Reservation(StatusModel):
    """What one deployment reserves."""

    namespace: ObjectName
    """Namespace of the deployment."""
    name: ObjectName
    """Name of the deployment."""
    category: Category
    """The budget line that pays."""
    usd_per_month: Figure
    """Reserved USD per month."""
    replicas: Annotated[Integer, Field(ge=0, le=2_147_483_647)]
    """Paid replicas."""
    capacity_type: CapacityType | None = None
    """How the capacity is sold; absent for the last pods of a deployment that is gone."""


class BudgetPolicyStatus(StatusModel):
    """What is reserved and spent."""

    observed_generation: Annotated[Integer, Field(ge=0, le=2**53 - 1)] | None = None
    """The generation that this status describes."""
    period: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}$", max_length=7)] | None = None
    """The calendar month that is accounted, in the policy's time zone."""
    period_limit_usd: Figure | None = None
    """The limit of this period: usdPerMonth x hours of the period / 730; pro rata in the first."""
    reserved_usd_per_month: Figure | None = None
    """Reserved by deployments."""
    committed_usd_per_month: Figure | None = None
    """Committed outside the operator."""
    remaining_usd_per_month: Figure | None = None
    """Free to reserve."""
    spent_usd: Figure | None = None
    """Spent in this period."""
    forecast_usd: Figure | None = None
    """Spending at the end of the period if nothing changes."""
    borrowed_usd_per_month: Figure | None = None
    """Borrowed from the cohort."""
    lent_usd_per_month: Figure | None = None
    """Lent to the cohort."""
    categories: Annotated[tuple[CategoryUse, ...], Field(max_length=4), list_map("name")] = ()
    """Use per category."""
    reservations: Annotated[tuple[Reservation, ...], Field(max_length=64), ATOMIC] = ()
    """The largest reservations."""
    reservations_total: Annotated[Integer, Field(ge=0, le=2_147_483_647)] | None = None
    """How many reservations there are."""
    conditions: Conditions = ()
    """Ready and Exceeded."""
