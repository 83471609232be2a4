"""One way to serve a demand: a single option, or a few that share the load behind one Service.

In: options that stock and money allow. Out: what runs now as an arrangement, and its sums. Must not choose.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from inferfleet.domain.demand import Demand
from inferfleet.domain.placement import Placement
from inferfleet.plan.options import ZERO, Option, reserved_count


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrangement:
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


def alone(option: Option) -> Arrangement:
    """Return the arrangement of one option."""
    return Arrangement(parts=(option,))


def reserving(demand: Demand, parts: Iterable[Option]) -> Arrangement:
    """Return the parts as an arrangement, each holding its count; what `reserve: Max` adds is held of the dearest."""
    placed = tuple(parts)
    total = sum(part.replicas for part in placed)
    extra = reserved_count(demand, total) - total
    dearest = max(placed, key=lambda part: part.replica_usd_per_month, default=None)
    return Arrangement(
        parts=tuple(replace(part, reserved=part.replicas + (extra if part is dearest else 0)) for part in placed)
    )


def running(options: Iterable[Option], standing: Sequence[Placement]) -> Arrangement | None:
    """Return what runs as an arrangement, None when nothing runs or a part of it is not feasible any more."""
    if not standing:
        return None
    by_name = {option.held.name: option for option in options if option.held and option.refusal is None}
    parts = tuple(by_name[placement.name] for placement in standing if placement.name in by_name)
    return Arrangement(parts=parts) if len(parts) == len(standing) else None
