"""What a GPU type is: memory, bandwidth, arithmetic, link, and what an hour of it costs by default.

Built from the catalogue or a `GPUType` object; read by the memory model, the speed model and the decision.
"""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from inferfleet.api.enums import CapacityType, Interconnect

MIB_PER_GIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD per GPU-hour of one capacity type, with where and when it was read."""

    capacity_type: CapacityType
    usd_per_gpu_hour: Decimal
    source: str
    date: datetime.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLabel:
    """A node label that identifies the product, compared without regard to case."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GPU:
    """One GPU type.

    `memory_mib` is what the driver reports for the whole card, not the nominal size; `usable_gib` is what CUDA offers
    to a process, when that was measured (None: derived by the memory model). Arithmetic figures are dense TFLOPS
    (never the sparse ones), None where the hardware has no such unit. `compute_capability` is (major, minor), or None
    for GPUs that have none (AMD); `architecture` is then the target name such as `gfx942`.
    """

    name: str
    product: str
    vendor: str
    memory_mib: int
    usable_gib: float | None = None
    memory_bandwidth_gb_per_s: float
    bf16_tflops: float | None = None
    fp16_tflops: float | None = None
    fp8_tflops: float | None = None
    int8_tflops: float | None = None
    compute_capability: tuple[int, int] | None = None
    architecture: str | None = None
    interconnect: Interconnect = Interconnect.PCIE
    labels: tuple[NodeLabel, ...] = ()
    prices: tuple[Price, ...] = ()
    source: str = ""

    def price(self, capacity_type: CapacityType) -> Price | None:
        """Return the default price of this capacity type, None when none is known."""
        return next((price for price in self.prices if price.capacity_type is capacity_type), None)

    @property
    def memory_gib(self) -> float:
        """Whole memory in GiB as the driver reports it."""
        return self.memory_mib / MIB_PER_GIB
