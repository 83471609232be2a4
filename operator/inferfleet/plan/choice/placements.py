"""Name what runs: what runs keeps its name, what is new gets one that nothing of this deployment has.

In: an allocation and the names that are taken. Out: placements. A new part may take over the pods of what it replaces,
and then its name, so that they are replaced one by one. Must not decide what leaves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from inferfleet.domain.candidate import Candidate
from inferfleet.domain.demand import Demand
from inferfleet.domain.naming import child_name
from inferfleet.domain.placement import Placement
from inferfleet.plan.choice.allocation import Allocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that this deployment has already: `taken` by something that stays.

    `heirs` have pods that a new part takes over, first come first served; `spare` ones are given up and used again
    only when there is no other, because what is left of their pods would be mistaken for the new ones.
    """

    taken: tuple[str, ...] = ()
    heirs: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()


def placements(demand: Demand, allocation: Allocation, names: Names) -> tuple[Placement, ...]:
    """Return the parts as placements, the largest first. They must be `nameable`."""
    found = _named(demand, allocation, names)
    return tuple(_placement(part, name or demand.name) for part, name in zip(allocation.parts, found, strict=True))


def nameable(demand: Demand, allocation: Allocation, names: Names) -> bool:
    """Tell whether every part gets a name of its own beside those that stay."""
    return None not in _named(demand, allocation, names)


def _named(demand: Demand, allocation: Allocation, names: Names) -> tuple[str | None, ...]:
    """Name each part: what runs keeps its name, what is new gets the deployment's own or one with a hash."""
    used = {*names.taken, *(placement.name for placement in allocation.running)}
    given: list[str | None] = []
    for part in allocation.parts:
        if part.running:
            given.append(part.running.name)
            continue
        fresh = (name for name in _own_names(demand, part) if name not in names.spare)
        found = next((name for name in chain(names.heirs, fresh, names.spare) if name not in used), None)
        used |= {found} if found else set()
        given.append(found)
    return tuple(given)


def _own_names(demand: Demand, part: Candidate) -> Iterator[str]:
    """The deployment's own name, and the one with the candidate's hash, which is worked out only when it is needed."""
    return (
        child_name(demand.name, gpu_type=part.gpu_type, pool=part.pool, capacity_type=part.capacity_type, first=first)
        for first in (True, False)
    )


def _placement(part: Candidate, name: str) -> Placement:
    assert part.engine is not None
    assert part.quote is not None
    return Placement(
        name=name,
        pool=part.pool,
        gpu_type=part.gpu_type,
        capacity_type=part.capacity_type,
        tensor_parallel_size=part.tensor_parallel_size,
        replicas=part.replicas,
        engine=part.engine,
        price=part.quote.price,
    )
