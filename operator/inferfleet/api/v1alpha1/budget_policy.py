"""The kind BudgetPolicy: which namespaces may spend how much on what.

In: YAML. Out: a frozen object. Money is USD as Decimal. A policy that does not parse must block the namespaces that it
could match; that is the reader's duty, and the reason why its status is not repaired silently.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from inferfleet.api.enums import BatchFallback, Category, Enforcement, OnExceeded, Priority, RealTimeSpot
from inferfleet.api.lists import LIST_SET, list_map
from inferfleet.api.model import ApiModel, Rule
from inferfleet.api.scalars import EntryName, Flag, Integer, Line, Money, ObjectName, Rate, TimeZone
from inferfleet.api.v1alpha1.budget_policy_status import BudgetPolicyStatus
from inferfleet.api.v1alpha1.metadata import LabelSelector
from inferfleet.api.v1alpha1.resource import Column, KindDefinition, Resource, ready_columns


class CategoryCap(ApiModel):
    """The part of the budget that one category may use."""

    name: Category
    """The category."""
    usd_per_month: Money
    """Most USD per month."""


class Commitment(ApiModel):
    """Spending outside the operator that the budget already carries: gpus x hoursPerMonth x usdPerGPUHour."""

    rules = (
        Rule(
            cel="double(self.hoursPerMonth) <= 744.0",
            message="hoursPerMonth must be at most 744, the hours of the longest month",
            holds=lambda c: c.hours_per_month <= 744,
        ),
    )

    name: EntryName
    """Name of the commitment."""
    category: Category
    """The budget line that pays."""
    gpu_type: ObjectName
    """GPU type."""
    gpus: Annotated[Integer, Field(ge=1, le=100_000)]
    """GPUs."""
    hours_per_month: Rate
    """Hours per month, at most 744."""
    usd_per_gpu_hour: Money
    """USD per GPU and hour."""


class SpotRules(ApiModel):
    """What the budget says about spot capacity."""

    real_time: RealTimeSpot = RealTimeSpot.NEVER
    """Whether real-time work may use spot, where its owner allows it too."""
    batch_fallback: BatchFallback = BatchFallback.ON_DEMAND
    """Whether batch work may leave spot for on-demand capacity when its deadline is at risk."""


class EngineRules(ApiModel):
    """Which images and flags the namespaces may use beyond the defaults."""

    allowed_images: Annotated[tuple[Line, ...], Field(min_length=1, max_length=64), LIST_SET] = ()
    """Allowed beginnings of image names; absent: only the pinned images."""
    require_digest: Flag = False
    """Whether images must be named by digest."""
    allowed_args: Annotated[tuple[Line, ...], Field(min_length=1, max_length=128), LIST_SET] = ()
    """Allowed flags of spec.engine.extraArgs; absent: none."""


class Cohort(ApiModel):
    """Budgets that lend each other what they do not use."""

    name: EntryName
    """Name of the cohort; policies with the same name form one."""
    lend_limit_usd_per_month: Money | None = None
    """Most USD per month that others may borrow; absent: everything unused."""
    borrow_limit_usd_per_month: Money | None = None
    """Most USD per month that may be borrowed; absent: everything that others lend."""


class BudgetPolicySpec(ApiModel):
    """The limits."""

    namespace_selector: LabelSelector
    """Namespaces that the budget covers; empty: all."""
    usd_per_month: Money
    """Most USD per month of 730 hours."""
    time_zone: TimeZone = "UTC"
    """IANA time zone in which the month rolls over."""
    categories: Annotated[tuple[CategoryCap, ...], Field(min_length=1, max_length=4), list_map("name")] = ()
    """Caps per category; a category without one is bounded by the total only."""
    allowed_categories: Annotated[tuple[Category, ...], Field(min_length=1, max_length=4), LIST_SET] = ()
    """Categories that may be used; absent: all."""
    max_priority: Priority = Priority.HIGH
    """Highest priority that a workload may claim; higher ones count as this one."""
    commitments: Annotated[tuple[Commitment, ...], Field(min_length=1, max_length=64), list_map("name")] = ()
    """Spending outside the operator."""
    allowed_gpu_types: Annotated[tuple[ObjectName, ...], Field(min_length=1, max_length=64), LIST_SET] = ()
    """Allowed GPU types; absent: any."""
    spot: SpotRules = SpotRules()
    """What the budget says about spot capacity."""
    engine: EngineRules = EngineRules()
    """Which images and flags may be used."""
    cohort: Cohort | None = None
    """Budgets that lend each other what they do not use."""
    enforcement: Enforcement = Enforcement.ENFORCE
    """Enforce refuses, Warn only tells."""
    on_exceeded: OnExceeded = OnExceeded.HOLD
    """What happens when an outside change leaves the reservations above the budget."""


class BudgetPolicy(Resource):
    """Which namespaces may spend how much on what, and what happens when they would spend more."""

    definition: ClassVar[KindDefinition] = KindDefinition(
        kind="BudgetPolicy",
        plural="budgetpolicies",
        short_name="budget",
        namespaced=False,
        columns=(
            Column(name="USD/Month", json_path=".spec.usdPerMonth", description="The limit."),
            Column(name="Reserved", json_path=".status.reservedUSDPerMonth", description="Reserved by deployments."),
            Column(name="Committed", json_path=".status.committedUSDPerMonth", priority=1, description="Outside."),
            Column(name="Remaining", json_path=".status.remainingUSDPerMonth", description="Free to reserve."),
            Column(name="Spent", json_path=".status.spentUSD", description="Spent in this period."),
            Column(name="Forecast", json_path=".status.forecastUSD", priority=1, description="At the period's end."),
            Column(name="Enforcement", json_path=".spec.enforcement", priority=1, description="Enforce or Warn."),
            Column(
                name="Exceeded",
                json_path='.status.conditions[?(@.type=="Exceeded")].status',
                description="Whether the limit is exceeded.",
            ),
            *ready_columns(),
        ),
    )

    kind: Literal["BudgetPolicy"] = "BudgetPolicy"
    """Kind of the object."""
    spec: BudgetPolicySpec
    """The limits."""
    status: BudgetPolicyStatus = BudgetPolicyStatus()
    """What is reserved and spent."""
