"""`spec.workload`, `spec.traffic`, `spec.objectives`, `spec.scaling`: how much work, how fast, how many.

In: YAML. Out: frozen values; rates are Decimal requests per second, lengths are mean tokens per request.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from inferfleet.api.enums import Category, Priority, ReservePolicy, WorkloadClass
from inferfleet.api.model import ApiModel, Rule
from inferfleet.api.scalars import Integer, Rate

Tokens = Annotated[Integer, Field(ge=1, le=10_000_000)]
"""Mean tokens per request."""


class Workload(ApiModel):
    """What kind of work this is and which budget line pays."""

    rules = (Rule(cel="self.class == oldSelf.class", message="class cannot be changed; create a new object"),)

    workload_class: WorkloadClass = Field(alias="class")
    """RealTime serves until deleted; Batch works through an input and ends. Cannot be changed."""
    category: Category = Category.INFERENCE
    """The budget line that pays."""
    priority: Priority = Priority.NORMAL
    """Who is admitted first and shrinks last; capped by the BudgetPolicy."""


class Traffic(ApiModel):
    """The demand that a real-time deployment must carry."""

    requests_per_second: Rate
    """Peak rate in requests per second, a decimal string. 0: nothing is expected, the minimum of replicas runs."""
    requests_per_month: Annotated[Integer, Field(ge=1, le=10**15)] | None = None
    """Volume for the cost per token and for break-even; absent: derived from the peak, and said so."""
    input_tokens: Tokens
    """Mean input tokens per request."""
    output_tokens: Annotated[Integer, Field(ge=0, le=10_000_000)]
    """Mean output tokens per request; 0 for models that embed, rank or classify."""


class Objectives(ApiModel):
    """Latency that a real-time deployment must keep at its peak rate."""

    time_per_output_token_milliseconds: Annotated[Integer, Field(ge=1, le=600_000)] = 50
    """Longest mean time between two output tokens of a request, in milliseconds."""
    time_to_first_token_milliseconds: Annotated[Integer, Field(ge=1, le=3_600_000)] | None = None
    """Longest time to the first output token, in milliseconds; absent: not checked."""


class Scaling(ApiModel):
    """Limits of the replica count, whoever sets it."""

    rules = (
        Rule(
            cel="!has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",
            message="minReplicas must not be larger than maxReplicas",
            holds=lambda s: s.max_replicas is None or s.min_replicas <= s.max_replicas,
        ),
    )

    min_replicas: Annotated[Integer, Field(ge=0, le=1000)] = 1
    """Fewest replicas."""
    max_replicas: Annotated[Integer, Field(ge=1, le=1000)] | None = None
    """Most replicas; absent: what the demand needs and the budget allows."""
    reserve: ReservePolicy = ReservePolicy.CURRENT
    """What the budget ledger reserves: the current count, or maxReplicas."""
