"""The offers of one shape as they stand against the stock of a pass, brought up to date instead of asked anew.

In: the offers of a shape, then the stock again and again. Out: the offers with those refused that find no room. Within
a pass stock only shrinks, so only the pools that gave something since the last look are looked at again.
"""

from collections.abc import Iterable
from dataclasses import replace

from inferfleet.plan.admission.admission import no_capacity, no_price
from inferfleet.plan.admission.capacity import Stock
from inferfleet.plan.candidates.quote import ZERO, Option
from inferfleet.plan.choice.record import feasible

Retained = tuple[tuple[Option, ...], list[Option]]


class CandidateCache:
    """See the module. Belongs to one pass; `largest` is the largest claim in USD of any offer."""

    def __init__(self, offered: Iterable[Option], stock: Stock) -> None:
        """Look at all of it once."""
        self.offered = tuple(offered)
        self._stock = stock
        self._standing = [self._judged(option) for option in self.offered]
        self._places: dict[str, list[int]] = {}
        for index, option in enumerate(self._standing):
            if option.refusal is None:
                self._places.setdefault(option.assessment.pool, []).append(index)
        self._seen = len(stock.given)
        self._shown: Retained | None = None
        open_offers = (option.claimed_usd for option in self.offered if option.refusal is None and option.price)
        self.largest = max(open_offers, default=ZERO)

    def standing(self) -> Retained:
        """Return the offers as stock leaves them now, in their order, and those that are feasible."""
        given = self._stock.given
        for pool in dict.fromkeys(given[self._seen :]):
            for index in self._places.get(pool, ()):
                before = self._standing[index]
                after = self._standing[index] = self._judged(before)
                if after is not before:
                    self._shown = None
        self._seen = len(given)
        if self._shown is None:
            options = tuple(self._standing)
            self._shown = (options, feasible(options))
        return self._shown

    def _judged(self, option: Option) -> Option:
        if option.refusal is not None:
            return option
        objection = no_capacity(option, self._stock) or no_price(option)
        return option if objection is None else replace(option, refusal=objection)
