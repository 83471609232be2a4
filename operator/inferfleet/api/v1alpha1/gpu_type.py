"""The kind GPUType: facts and default prices of a GPU, over the built-in catalogue.

In: YAML. Out: a frozen object. Memory is MiB as the driver reports it, bandwidth GB/s (10^9 bytes), compute dense
TFLOPS.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from inferfleet.api.conditions import Conditions
from inferfleet.api.enums import CapacityType, Interconnect
from inferfleet.api.lists import list_map
from inferfleet.api.model import ApiModel, RebuildableStatus
from inferfleet.api.scalars import Day, Integer, LabelKey, LabelValue, Line, Money, Rate
from inferfleet.api.v1alpha1.resource import Column, KindDefinition, Resource, ready_columns


class DenseTFLOPS(ApiModel):
    """Peak dense compute by precision, in TFLOPS; an absent precision is not supported in hardware."""

    bf16: Rate | None = None
    """bfloat16."""
    fp16: Rate | None = None
    """float16."""
    fp8: Rate | None = None
    """8-bit floating point."""
    int8: Rate | None = None
    """8-bit integer."""
    fp4: Rate | None = None
    """4-bit floating point."""


class NodeLabel(ApiModel):
    """A node label that names this GPU."""

    key: LabelKey
    """Label."""
    value: LabelValue
    """Value, compared without regard to case."""


class Price(ApiModel):
    """A default price; a pool's own price goes before it."""

    capacity_type: CapacityType
    """How the capacity is sold."""
    usd_per_gpu_hour: Money
    """USD per GPU and hour."""
    source: Line
    """Where the price was read."""
    date: Day
    """When it was read."""


class GPUTypeSpec(ApiModel):
    """Facts of the GPU."""

    product: Line
    """Name of the product."""
    memory_mib: Annotated[Integer, Field(ge=1024, le=16_777_216)]
    """Memory of one GPU in MiB as the driver reports it, not the nominal size."""
    memory_bandwidth_gbps: Annotated[Integer, Field(ge=1, le=1_000_000)]
    """Peak memory bandwidth in GB/s (10^9 bytes)."""
    dense_tflops: DenseTFLOPS
    """Peak dense compute by precision."""
    compute_capability: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}\.[0-9]$", max_length=4)] | None = None
    """CUDA compute capability; absent for other vendors."""
    interconnect: Interconnect
    """What connects the GPUs of a node."""
    labels: Annotated[tuple[NodeLabel, ...], Field(min_length=1, max_length=32), list_map("key", "value")] = ()
    """Node labels that name this GPU: any match, and the memory must agree within 3 %."""
    prices: Annotated[tuple[Price, ...], Field(min_length=1, max_length=8), list_map("capacity_type")] = ()
    """Default prices, one per capacity type."""


class GPUTypeStatus(RebuildableStatus):
    """What was made of it."""

    observed_generation: Annotated[Integer, Field(ge=0, le=2**53 - 1)] | None = None
    """The generation that this status describes."""
    conditions: Conditions = ()
    """Ready."""


class GPUType(Resource):
    """Facts and default prices of a GPU; overrides or extends the built-in catalogue under the same name."""

    definition: ClassVar[KindDefinition] = KindDefinition(
        kind="GPUType",
        plural="gputypes",
        short_name="gput",
        namespaced=False,
        columns=(
            Column(name="Product", json_path=".spec.product", description="Name of the product."),
            Column(name="Memory MiB", json_path=".spec.memoryMiB", type="integer", description="Memory of one GPU."),
            Column(
                name="GB/s",
                json_path=".spec.memoryBandwidthGBps",
                type="integer",
                priority=1,
                description="Memory bandwidth.",
            ),
            Column(name="Interconnect", json_path=".spec.interconnect", priority=1, description="Between GPUs."),
            *ready_columns(),
        ),
    )

    kind: Literal["GPUType"] = "GPUType"
    """Kind of the object."""
    spec: GPUTypeSpec
    """Facts of the GPU."""
    status: GPUTypeStatus = GPUTypeStatus()
    """What was made of it."""
