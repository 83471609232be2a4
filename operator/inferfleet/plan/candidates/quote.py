"""Count and price what was assessed: the candidates of a shape, cheapest first.

In: assessed candidates, a demand and the pools' prices. Out: the same candidates with counts and quotes. Nothing here
depends on free GPUs, budgets or identity, so it is the same for every demand of a shape.
"""

from collections.abc import Iterable, Mapping
from operator import attrgetter

from inferfleet.domain.candidate import Candidate, Count
from inferfleet.domain.demand import Demand
from inferfleet.domain.gpu import Price
from inferfleet.plan.candidates.sizing import counted

NOT_COUNTED = Count()


def quoted(
    demand: Demand, candidates: Iterable[Candidate], prices: Mapping[str, Price | None]
) -> tuple[Candidate, ...]:
    """Return the candidates with their counts and quotes, in the order in which they are preferred."""
    found = (
        item.quoted(counted(demand, item.needed) if item.refusal is None else NOT_COUNTED, prices[item.pool])
        for item in candidates
    )
    return tuple(sorted(found, key=attrgetter("order")))
