"""`spec.placement` and `spec.compliance` of an InferenceDeployment: limits on where it may run.

In: YAML. Out: frozen values; an absent list allows everything. What depends on the class stays None here:
`InferenceDeploymentSpec` answers it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from inferfleet.api.enums import MixedGPUTypes, RebalancePolicy, SpotPolicy, Standard
from inferfleet.api.lists import LIST_SET
from inferfleet.api.model import ApiModel
from inferfleet.api.scalars import Flag, Integer, ObjectName, Word


class Compliance(ApiModel):
    """What a workload demands of a pool, or what a pool declares."""

    standards: Annotated[tuple[Standard, ...], Field(min_length=1, max_length=8), LIST_SET] = ()
    """Standards, all of which must hold; absent: none."""
    data_residency: Annotated[tuple[Word, ...], Field(min_length=1, max_length=32), LIST_SET] = ()
    """Zones in which data stays, such as eu; a pool must declare one that is demanded. Absent: anywhere."""
    air_gapped: Flag = False
    """Without any connection to the outside."""


class Rebalance(ApiModel):
    """When a running, feasible placement may move to a cheaper one."""

    policy: RebalancePolicy | None = None
    """Whether it may move; absent: Never for RealTime, WhenCheaper for Batch."""
    min_saving_percent: Annotated[Integer, Field(ge=1, le=100)] = 15
    """Smallest saving that is worth a move, in per cent of the present cost."""
    horizon_hours: Annotated[Integer, Field(ge=1, le=8760)] = 168
    """Over how many hours the saving must pay for the move."""
    cooldown_seconds: Annotated[Integer, Field(ge=0, le=31_536_000)] = 3600
    """Shortest time between two moves, in seconds."""


class Placement(ApiModel):
    """Limits on where the deployment may run."""

    gpu_types: Annotated[tuple[ObjectName, ...], Field(min_length=1, max_length=64), LIST_SET] = ()
    """Allowed GPU types; absent: any."""
    pools: Annotated[tuple[ObjectName, ...], Field(min_length=1, max_length=64), LIST_SET] = ()
    """Allowed GPUPools; absent: any."""
    regions: Annotated[tuple[Word, ...], Field(min_length=1, max_length=64), LIST_SET] = ()
    """Allowed regions; absent: any."""
    max_tensor_parallel_size: Annotated[Integer, Field(ge=1, le=64)] | None = None
    """Most GPUs per replica; absent: as many as a node has."""
    spot_policy: SpotPolicy | None = None
    """Whether spot capacity may be used; absent: Never for RealTime, Allowed for Batch."""
    mixed_gpu_types: MixedGPUTypes = Field(default=MixedGPUTypes.NEVER)
    """Whether replicas may run on different GPU types."""
    rebalance: Rebalance = Rebalance()
    """When a running placement may move."""
