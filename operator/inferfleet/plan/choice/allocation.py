"""One way to serve a demand: a single option, or a few that share the load behind one Service.

In: options that stock and money allow. Out: what runs now as an arrangement, and its sums. Must not choose.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from inferfleet.domain.demand import Demand
from inferfleet.domain.placement import Placement
from inferfleet.plan.candidates.quote import ZERO, Option, reserved_count


@dataclass(frozen=True, kw_only=True, eq=False)
class Allocation:
    """Options that run together, the largest first."""

    parts: tuple[Option, ...]

    @cached_property
    def comparable(self) -> Decimal:
        """The amount by which arrangements are compared: see `Option.comparable`."""
        return sum((part.comparable for part in self.parts), ZERO)

    @cached_property
    def claimed_usd(self) -> Decimal:
        """USD that the ledger holds for it."""
        return sum((part.claimed_usd for part in self.parts), ZERO)

    @property
    def recommended(self) -> int:
        """Replicas that the plan would choose."""
        return sum(part.recommended for part in self.parts)

    @property
    def short(self) -> int:
        """Replicas that were asked for and not granted."""
        return sum(part.short for part in self.parts)

    @property
    def short_message(self) -> str:
        """Why they were not granted."""
        return "; ".join(part.short_message for part in self.parts if part.short)


def alone(option: Option) -> Allocation:
    """Return the arrangement of one option."""
    return Allocation(parts=(option,))


def reserving(demand: Demand, parts: Iterable[Option]) -> Allocation:
    """Return the parts as an arrangement that holds what runs, and with `reserve: Max` no less than all of the dearest.

    Of the dearest, because then fewer replicas of any kind never hold more than before.
    """
    counted = Allocation(parts=tuple(replace(part, reserved=part.replicas) for part in parts))
    dearest = max(counted.parts, key=lambda part: part.replica_usd_per_month, default=None)
    if dearest is None:
        return counted
    largest = replace(dearest, reserved=reserved_count(demand, dearest.replicas))
    if largest.claimed_usd <= counted.claimed_usd:
        return counted
    return Allocation(parts=tuple(largest if part is dearest else replace(part, reserved=0) for part in counted.parts))


def running(options: Iterable[Option], standing: Sequence[Placement]) -> Allocation | None:
    """Return what runs as an arrangement, None when nothing runs or a part of it is not feasible any more."""
    if not standing:
        return None
    by_name = {option.held.name: option for option in options if option.held and option.refusal is None}
    parts = tuple(by_name[placement.name] for placement in standing if placement.name in by_name)
    return Allocation(parts=parts) if len(parts) == len(standing) else None
