"""Where work runs and what was decided: candidates with verdicts, the chosen placements, and their price."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from inferfleet.api.enums import CapacityType, Role
from inferfleet.api.reasons import Reason, Verdict
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import MemoryEstimate
from inferfleet.domain.speed import Speed


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Replicas of one engine setting in one pool: one child workload.

    `usd_per_gpu_hour` is the price at which the GPUs are charged; `name` is the child's name.
    """

    name: str
    pool: str
    gpu_type: str
    capacity_type: CapacityType
    tensor_parallel_size: int
    replicas: int
    engine: EngineSettings
    usd_per_gpu_hour: Decimal
    price_source: str
    price_date: date | None = None
    role: Role = Role.BASE

    @property
    def gpus(self) -> int:
        """GPUs that all replicas request together."""
        return self.replicas * self.tensor_parallel_size

    @property
    def usd_per_hour(self) -> Decimal:
        """USD per hour for the requested GPUs."""
        return self.gpus * self.usd_per_gpu_hour


def staying(placements: Iterable[Placement]) -> tuple[Placement, ...]:
    """Return the placements that are meant to stay, in their order."""
    return tuple(placement for placement in placements if placement.role is not Role.DRAINING)


def draining(placements: Iterable[Placement]) -> tuple[Placement, ...]:
    """Return the placements that run only until their successors are ready, in their order."""
    return tuple(placement for placement in placements if placement.role is Role.DRAINING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to serve the demand, with every number that was computed before it was accepted or dropped.

    Numbers are None when a check before them already rejected the candidate. `message` says the reason with its
    numbers. `usd_total` is the forecast of a batch job.
    """

    pool: str
    gpu_type: str
    capacity_type: CapacityType
    tensor_parallel_size: int
    verdict: Verdict
    reason: Reason
    message: str = ""
    engine: EngineSettings | None = None
    memory: MemoryEstimate | None = None
    speed: Speed | None = None
    replicas: int | None = None
    usd_per_hour: Decimal | None = None
    usd_total: Decimal | None = None
    hours: float | None = None
