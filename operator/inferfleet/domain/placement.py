"""Where work runs: replicas of one engine setting in one pool, at a price."""

from collections.abc import Iterable
from dataclasses import dataclass

from inferfleet.api.enums import CapacityType, Role
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import Price
from inferfleet.domain.money import RunRate

Kind = tuple[str, str, CapacityType, int]
"""What tells candidates and placements apart: pool, GPU type, capacity type, tensor parallel size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Replicas of one engine setting in one pool: one child workload.

    `price` is what its GPUs are charged; `name` is the child's name.
    """

    name: str
    pool: str
    gpu_type: str
    capacity_type: CapacityType
    tensor_parallel_size: int
    replicas: int
    engine: EngineSettings
    price: Price
    role: Role = Role.BASE

    @property
    def kind(self) -> Kind:
        """What it is a placement of."""
        return (self.pool, self.gpu_type, self.capacity_type, self.tensor_parallel_size)

    @property
    def gpus(self) -> int:
        """GPUs that all replicas request together."""
        return self.replicas * self.tensor_parallel_size

    @property
    def run_rate(self) -> RunRate:
        """USD per hour of the requested GPUs."""
        return RunRate(self.gpus * self.price.usd_per_gpu_hour)


def staying(placements: Iterable[Placement]) -> tuple[Placement, ...]:
    """Return the placements that are meant to stay."""
    return tuple(item for item in placements if item.role is not Role.DRAINING)


def draining(placements: Iterable[Placement]) -> tuple[Placement, ...]:
    """Return the placements that run only until their successor is ready."""
    return tuple(item for item in placements if item.role is Role.DRAINING)
