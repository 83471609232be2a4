"""The status of an InferenceDeployment: what runs, what it costs, why, and what else was possible.

In: the operator's report, or a stored status of another version. Out: frozen values. Money in USD and memory in GiB are
decimal strings in YAML and Decimal here. No live counters besides batch progress.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from inferfleet.api.conditions import Conditions
from inferfleet.api.enums import CapacityType, Category, Confidence, Role
from inferfleet.api.lists import ATOMIC, list_map
from inferfleet.api.model import RebuildableStatus, StatusModel
from inferfleet.api.reasons import Reason, Verdict
from inferfleet.api.scalars import Day, EntryName, Figure, Integer, Message, ObjectName, Timestamp

Count = Annotated[Integer, Field(ge=0, le=2_147_483_647)]
"""A number of things that exist."""

LargeCount = Annotated[Integer, Field(ge=0, le=2**53 - 1)]
"""A number that may be large; up to what every JSON reader keeps exact."""

ParallelSize = Annotated[Integer, Field(ge=1, le=1024)]
"""GPUs per replica."""


class PlacementSummary(StatusModel):
    """Where the largest part of the replicas runs."""

    gpu_type: ObjectName
    """GPU type."""
    tensor_parallel_size: ParallelSize
    """GPUs per replica."""
    pool: ObjectName
    """GPUPool."""
    capacity_type: CapacityType
    """How the capacity is sold."""
    replicas: Count
    """Wanted replicas."""


class PlacementStatus(PlacementSummary):
    """One group of equal replicas."""

    name: EntryName
    """Name of the child object that runs it."""
    ready_replicas: Count = 0
    """Ready replicas."""
    role: Role = Role.BASE
    """What the group is for: the load, a shortage, or leaving."""


class CostStatus(StatusModel):
    """What the requested GPU-hours cost at the pools' prices."""

    usd_per_hour: Figure | None = None
    """USD per hour."""
    usd_per_month: Figure | None = None
    """USD per month of 730 hours."""
    usd_total: Figure | None = None
    """Forecast of the whole batch in USD; absent for RealTime."""
    usd_per_million_tokens: Figure | None = None
    """USD per million tokens, input and output together, at the stated volume."""
    price_source: Annotated[str, StringConstraints(max_length=256)] | None = None
    """Where the price comes from."""
    price_date: Day | None = None
    """When the price was valid."""


class MeasuredMemory(StatusModel):
    """What the running engine itself said, in GiB per GPU; absent what it did not say."""

    weights_gib: Figure | None = None
    """Model weights."""
    activation_gib: Figure | None = None
    """Peak of activations in one step."""
    non_torch_gib: Figure | None = None
    """Memory outside the framework's allocator."""
    cuda_graph_gib: Figure | None = None
    """Captured graphs."""
    kv_cache_gib: Figure | None = None
    """KV cache."""
    kv_cache_tokens: LargeCount | None = None
    """Tokens that the KV cache of one replica holds."""
    usable_gib: Figure | None = None
    """Memory of the GPU as CUDA reports it."""
    learned_at: Timestamp | None = None
    """When it was read."""
    source: Annotated[str, StringConstraints(max_length=256)] | None = None
    """Where it was read."""


class MemoryStatus(StatusModel):
    """Where the memory of one GPU goes, in GiB; comparable term by term with the engine's start-up log."""

    weights_gib: Figure
    """Model weights."""
    activation_gib: Figure
    """Peak of activations in one step."""
    non_torch_gib: Figure
    """Memory outside the framework's allocator."""
    cuda_graph_gib: Figure
    """Captured graphs."""
    kv_cache_gib: Figure
    """What is left for the KV cache: usable x utilization - the terms above."""
    kv_cache_tokens: LargeCount
    """Tokens that the KV cache of one replica holds."""
    max_concurrency: Figure
    """Requests of the maximum length that fit at the same time."""
    usable_gib: Figure
    """Memory of the GPU as the driver reports it."""
    utilization: Figure
    """Share of the GPU that the engine may use."""
    margin_gib: Figure
    """KV cache beyond what one request of maxModelLen needs."""
    confidence: Confidence
    """How well founded these numbers are; Measured: the engine's own KV cache is known."""
    measured: MeasuredMemory | None = None
    """What the engine itself said, beside what was computed above."""


class CandidateStatus(StatusModel):
    """One possible placement and what became of it."""

    gpu_type: ObjectName
    """GPU type."""
    tensor_parallel_size: ParallelSize
    """GPUs per replica."""
    pool: ObjectName
    """GPUPool."""
    capacity_type: CapacityType
    """How the capacity is sold."""
    verdict: Verdict
    """Chosen, feasible or rejected."""
    reason: Reason
    """Why."""
    message: Message = ""
    """Why, with numbers."""
    required_gib: Figure | None = None
    """Memory needed per GPU in GiB."""
    usable_gib: Figure | None = None
    """Memory of the GPU in GiB."""
    replicas: Count | None = None
    """Replicas needed."""
    usd_per_month: Figure | None = None
    """USD per month of 730 hours."""


class DecisionStatus(StatusModel):
    """The last decision; written only when its content changes."""

    decided_at: Timestamp
    """When it was decided."""
    candidates: Annotated[tuple[CandidateStatus, ...], Field(max_length=32), ATOMIC] = ()
    """The candidates: the chosen one first, then by cost. The command line shows all."""


class BudgetShare(StatusModel):
    """What this deployment reserves of one budget."""

    policy: ObjectName
    """The BudgetPolicy."""
    reserved_usd_per_month: Figure
    """What is reserved for this deployment, in USD per month."""


class BatchStatus(StatusModel):
    """Progress of a batch."""

    total: LargeCount | None = None
    """Lines in the input; absent until counted."""
    done: LargeCount = 0
    """Lines answered."""
    quarantined: LargeCount = 0
    """Lines that could not be answered and were set aside."""
    estimated_finish: Timestamp | None = None
    """When the batch will be done at the present speed."""
    usd_so_far: Figure | None = None
    """USD spent so far."""


class BackOffStatus(StatusModel):
    """A pool that did not deliver and is left alone for a while."""

    pool: ObjectName
    """The GPUPool."""
    until: Timestamp
    """When it may be asked again."""
    failures: Annotated[Integer, Field(ge=1, le=2_147_483_647)] = 1
    """Failures in a row; each doubles the pause."""


class HistoryStatus(StatusModel):
    """What later decisions have to know of earlier ones."""

    moved_at: Timestamp | None = None
    """When replicas went to another pool last; the cooldown of placement.rebalance counts from here."""
    fewer_replicas_since: Timestamp | None = None
    """Since when fewer replicas would do; they leave after 30 minutes."""
    back_offs: Annotated[tuple[BackOffStatus, ...], Field(max_length=64), list_map("pool")] = ()
    """Pools that did not deliver."""


class InferenceDeploymentStatus(RebuildableStatus):
    """What is."""

    observed_generation: LargeCount | None = None
    """The generation that this status describes."""
    conditions: Conditions = ()
    """Accepted, Planned, WithinBudget, Applied, Available and the root, Ready; Stalled when a person must act."""
    replicas: Count | None = None
    """Existing pods."""
    ready_replicas: Count | None = None
    """Ready pods."""
    recommended_replicas: Count | None = None
    """What the plan would choose, also when a scaler owns the count."""
    selector: Annotated[str, StringConstraints(max_length=512)] | None = None
    """Label selector of the pods, for the scale subresource."""
    placement: PlacementSummary | None = None
    """The largest of placements."""
    placements: Annotated[tuple[PlacementStatus, ...], Field(max_length=32), list_map("name")] = ()
    """All groups of equal replicas."""
    cost: CostStatus | None = None
    """What it costs."""
    memory: MemoryStatus | None = None
    """Where the memory of one GPU goes."""
    decision: DecisionStatus | None = None
    """Why this placement, and what else was possible."""
    budgets: Annotated[tuple[BudgetShare, ...], Field(max_length=16), list_map("policy")] = ()
    """What is reserved of each matching budget for this deployment; never what is reserved for others."""
    batch: BatchStatus | None = None
    """Progress of a batch."""
    history: HistoryStatus | None = None
    """What later decisions have to know of earlier ones."""
    category: Category | None = None
    """The budget category that pays for placements; a refused change of the spec does not change it."""
