"""What would run: one candidate, or two that share the load behind one Service.

In: candidates that capacity and money allow. Out: what runs now as an allocation, and its sums. Must not choose.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from inferfleet.domain.candidate import Candidate
from inferfleet.domain.demand import Demand
from inferfleet.domain.money import ZERO, Charge, RunRate
from inferfleet.domain.placement import Placement
from inferfleet.plan.candidates.sizing import reserved_replicas


@dataclass(frozen=True, kw_only=True, eq=False)
class Allocation:
    """Candidates that run together, the largest first."""

    parts: tuple[Candidate, ...]

    @cached_property
    def compared(self) -> Decimal:
        """USD by which allocations are compared: see `Quote.compared`."""
        return sum((part.compared for part in self.parts), ZERO)

    @cached_property
    def claim(self) -> Charge:
        """What the ledger holds for it."""
        return Charge.sum(part.claim for part in self.parts)

    @property
    def replicas(self) -> int:
        """Replicas that would run."""
        return sum(part.replicas for part in self.parts)

    @property
    def recommended(self) -> int:
        """Replicas that the plan would choose."""
        return sum(part.count.recommended for part in self.parts)

    @property
    def short(self) -> int:
        """Replicas that were asked for and not granted."""
        return sum(part.count.short for part in self.parts)

    @property
    def short_message(self) -> str:
        """Why they were not granted."""
        return "; ".join(part.count.short_message for part in self.parts if part.count.short)

    @property
    def running(self) -> tuple[Placement, ...]:
        """The placements that run as part of it already."""
        return tuple(part.running for part in self.parts if part.running)


def alone(candidate: Candidate) -> Allocation:
    """Return the allocation of one candidate."""
    return Allocation(parts=(candidate,))


def reserving(demand: Demand, parts: Iterable[Candidate]) -> Allocation:
    """Return the parts as an allocation that holds what runs, and with `reserve: Max` no less than all of the dearest.

    Of the dearest, because then fewer replicas of any kind never hold more than before.
    """
    counted = Allocation(parts=tuple(_reserved(part, part.replicas) for part in parts))
    dearest = max(counted.parts, key=lambda part: part.quote.replica if part.quote else RunRate(), default=None)
    if dearest is None:
        return counted
    largest = _reserved(dearest, reserved_replicas(demand, dearest.replicas))
    if largest.claim.month <= counted.claim.month:
        return counted
    return Allocation(parts=tuple(largest if part is dearest else _reserved(part, 0) for part in counted.parts))


def _reserved(part: Candidate, count: int) -> Candidate:
    return part if part.count.reserved == count else part.sized(replace(part.count, reserved=count))
