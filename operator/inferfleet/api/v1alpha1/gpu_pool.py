"""The kind GPUPool: a node pool that workloads may be placed on, also one that is scaled to zero.

In: YAML. Out: a frozen object. What a pool declares is believed; nothing is guessed from names or regions.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from inferfleet.api.conditions import Conditions
from inferfleet.api.enums import CapacityType, Interconnect
from inferfleet.api.gpu_resources import GPU_RESOURCE_PATTERN, is_gpu_resource
from inferfleet.api.lists import ATOMIC
from inferfleet.api.model import ApiModel, RebuildableStatus, Rule
from inferfleet.api.scalars import Integer, LabelKey, LabelValue, Money, ObjectName, Quantity, Word
from inferfleet.api.v1alpha1.metadata import LabelSelector, Toleration
from inferfleet.api.v1alpha1.placement import Compliance
from inferfleet.api.v1alpha1.resource import Column, KindDefinition, Resource, ready_columns


class NodeAllocatable(ApiModel):
    """What one node offers to pods; `parse_quantity` gives the numbers."""

    cpu: Quantity | None = None
    """CPU cores."""
    memory: Quantity | None = None
    """Memory in bytes."""
    ephemeral_storage: Quantity | None = Field(default=None, alias="ephemeral-storage")
    """Local storage in bytes."""


class GPUPoolSpec(ApiModel):
    """What the pool is."""

    rules = (
        Rule(
            cel="!has(self.maxNodes) || self.minNodes <= self.maxNodes",
            message="minNodes must not be larger than maxNodes",
            holds=lambda p: p.max_nodes is None or p.min_nodes <= p.max_nodes,
        ),
        Rule(
            cel=f"self.gpuResourceName.matches('{GPU_RESOURCE_PATTERN}')",
            message="gpuResourceName must be nvidia.com/gpu or amd.com/gpu"
            " (a slice such as nvidia.com/mig-1g.10gb or nvidia.com/gpu.shared is accepted and never used)",
            holds=lambda p: is_gpu_resource(p.gpu_resource_name),
        ),
    )

    gpu_type: ObjectName
    """GPU type of every node: a GPUType or an entry of the built-in catalogue."""
    gpus_per_node: Annotated[Integer, Field(ge=1, le=64)]
    """GPUs per node."""
    capacity_type: CapacityType
    """How the nodes are sold; Reserved is charged at its listed price even though it is sunk."""
    node_selector: Annotated[dict[str, LabelValue], Field(min_length=1, max_length=32)]
    """Labels that all nodes of the pool carry, and that make the provisioner start one."""
    tolerations: Annotated[tuple[Toleration, ...], Field(min_length=1, max_length=32), ATOMIC] = ()
    """Tolerations that pods need on these nodes."""
    gpu_resource_name: LabelKey = "nvidia.com/gpu"
    """Resource that pods request: nvidia.com/gpu, or amd.com/gpu for ROCm; MIG slices and shares are not planned."""
    node_allocatable: NodeAllocatable | None = None
    """What one node offers; for pools that may be at zero."""
    region: Word | None = None
    """Region of the nodes."""
    min_nodes: Annotated[Integer, Field(ge=0, le=10_000)] = 0
    """Fewest nodes that the provisioner keeps."""
    max_nodes: Annotated[Integer, Field(ge=0, le=10_000)] | None = None
    """Most nodes that the provisioner starts; absent: the pool does not grow."""
    usd_per_gpu_hour: Money | None = None
    """Price in USD per GPU and hour; absent: the GPU type's price for this capacity type."""
    interconnect: Interconnect | None = None
    """What connects the GPUs of a node; absent: as the GPU type says."""
    namespace_selector: LabelSelector | None = None
    """Namespaces that may use a dedicated pool; absent or empty: all."""
    compliance: Compliance = Compliance()
    """What the platform team declares about these nodes."""


class GPUPoolStatus(RebuildableStatus):
    """What was found."""

    observed_generation: Annotated[Integer, Field(ge=0, le=2**53 - 1)] | None = None
    """The generation that this status describes."""
    nodes: Annotated[Integer, Field(ge=0, le=1_000_000)] | None = None
    """Nodes of the pool."""
    gpus: Annotated[Integer, Field(ge=0, le=1_000_000)] | None = None
    """GPUs that these nodes offer."""
    gpus_free: Annotated[Integer, Field(ge=-1_000_000, le=1_000_000)] | None = None
    """GPUs that no pod requests and that are promised to no placement."""
    gpu_type_detected: ObjectName | None = None
    """GPU type that the nodes' labels show; absent while there are none."""
    conditions: Conditions = ()
    """Ready."""


class GPUPool(Resource):
    """A node pool that workloads may be placed on, also one that is scaled to zero."""

    definition: ClassVar[KindDefinition] = KindDefinition(
        kind="GPUPool",
        plural="gpupools",
        short_name="gpup",
        namespaced=False,
        columns=(
            Column(name="GPU", json_path=".spec.gpuType", description="GPU type."),
            Column(name="Capacity", json_path=".spec.capacityType", description="How it is sold."),
            Column(name="Region", json_path=".spec.region", priority=1, description="Region."),
            Column(name="Nodes", json_path=".status.nodes", type="integer", description="Nodes found."),
            Column(name="Max Nodes", json_path=".spec.maxNodes", type="integer", priority=1, description="Limit."),
            Column(name="GPUs", json_path=".status.gpus", type="integer", description="GPUs found."),
            Column(name="Free", json_path=".status.gpusFree", type="integer", description="Free GPUs."),
            Column(name="USD/GPU-Hour", json_path=".spec.usdPerGPUHour", description="Price of the pool."),
            *ready_columns(),
        ),
    )

    kind: Literal["GPUPool"] = "GPUPool"
    """Kind of the object."""
    spec: GPUPoolSpec
    """What the pool is."""
    status: GPUPoolStatus = GPUPoolStatus()
    """What was found."""
