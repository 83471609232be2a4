"""Count and price what was assessed: the candidates of a shape, cheapest first.

In: assessed candidates, a demand and the pools' prices. Out: the same candidates with counts and quotes. Nothing here
depends on free GPUs, budgets or identity, so it is the same for every demand of a shape. What was refused already is
quoted only when somebody reads the record: of most decisions nobody does.
"""

from collections.abc import Iterable, Mapping
from operator import attrgetter

from inferfleet.domain.candidate import Candidate, Count
from inferfleet.domain.demand import Demand
from inferfleet.domain.gpu import Price
from inferfleet.plan.candidates.sizing import counted

Prices = Mapping[str, Price | None]
"""The price of a GPU-hour by pool, None where nobody states one."""

_BY_ORDER = attrgetter("order")


def quoted(demand: Demand, candidates: Iterable[Candidate], prices: Prices) -> tuple[Candidate, ...]:
    """Return the candidates with counts and quotes, in the order in which they are preferred; the refused ones last."""
    counts, found = dict[int, Count](), []
    for item in candidates:
        if item.refusal is None and item.needed not in counts:
            counts[item.needed] = counted(demand, item.needed)
        found.append(item if item.refusal else item.quoted(counts[item.needed], prices[item.pool]))
    return preferred(found)


def preferred(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return quoted candidates in the order in which they are preferred; the refused ones last, as they come."""
    able: list[Candidate] = []
    refused: list[Candidate] = []
    for item in candidates:
        (able if item.refusal is None else refused).append(item)
    return (*sorted(able, key=_BY_ORDER), *refused)


def in_order(candidates: Iterable[Candidate], prices: Prices) -> tuple[Candidate, ...]:
    """Return all candidates in the order of the record, with quotes also of what was refused before it had one."""
    priced = (item if item.quote else item.quoted(item.count, prices[item.pool]) for item in candidates)
    return tuple(sorted(priced, key=_BY_ORDER))
