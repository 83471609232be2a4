"""The candidates of one shape as capacity leaves them, brought up to date instead of asked anew.

In: the candidates of a shape, then the capacity again and again. Out: which of them an attempt could use. Within a
cycle capacity only shrinks, so only pools that gave something since the last look are looked at again.
"""

from collections.abc import Iterable

from inferfleet.api.reasons import Reason
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.money import NOTHING
from inferfleet.domain.refused import Chain, Refused
from inferfleet.plan.admission.admission import (
    Admitted,
    Attempt,
    feasible,
    no_capacity,
    no_price,
    over_budget,
)
from inferfleet.plan.admission.capacity import Capacity
from inferfleet.plan.candidates.quote import Prices

_WITHOUT_MONEY = Chain(
    (Reason.NO_CAPACITY, no_capacity), (Reason.NO_PRICE, lambda candidate, capacity: no_price(candidate))
)


class CandidateCache:
    """See the module. Belongs to one cycle, and to attempts of which nothing runs yet and no pool backs off."""

    def __init__(self, candidates: Iterable[Candidate], capacity: Capacity, prices: Prices) -> None:
        """Look at all of it once."""
        self.candidates = tuple(candidates)
        self._capacity = capacity
        self._prices = prices
        self._candidates = [self._checked(item) for item in self.candidates]
        self._open: dict[str, list[int]] = {}
        for index, item in enumerate(self._candidates):
            if item.refusal is None:
                self._open.setdefault(item.pool, []).append(index)
        self._seen = len(capacity.given)
        self._shown: Admitted | None = None
        claims = (item.claim for item in self._candidates if item.refusal is None)
        self._largest = max(claims, key=lambda claim: claim.month, default=NOTHING)

    def admitted(self, attempt: Attempt) -> Admitted:
        """Return what capacity and the attempt's money leave now."""
        shown, headroom = self._with_capacity(), attempt.headroom
        if headroom.allows(self._largest):
            return shown
        able = [item for item in shown.able if headroom.allows(item.claim)]
        if not able:  # what is left may be probes
            return shown.changed(lambda item: _unless_too_dear(item, attempt))
        return Admitted(able, lambda: (_unless_too_dear(item, attempt) for item in shown.candidates), self._prices)

    def _with_capacity(self) -> Admitted:
        given = self._capacity.given
        for pool in dict.fromkeys(given[self._seen :]):
            self._look_again(pool)
        self._seen = len(given)
        if self._shown is None:
            checked = tuple(self._candidates)
            able = feasible(checked)
            self._shown = Admitted(able, lambda: checked, self._prices)
        return self._shown

    def _look_again(self, pool: str) -> None:
        """Refuse what finds no room in the pool any more."""
        still = []
        for index in self._open.get(pool, ()):
            item = self._candidates[index]
            if self._capacity.room(pool, item.tensor_parallel_size) >= item.replicas:
                still.append(index)
            else:
                self._candidates[index] = self._checked(item)
                self._shown = None
        if pool in self._open:
            self._open[pool] = still

    def _checked(self, candidate: Candidate) -> Candidate:
        if candidate.refusal is not None:
            return candidate
        refusal = _WITHOUT_MONEY.refusal(candidate, self._capacity)
        return candidate if refusal is None else candidate.refused(refusal)


def _unless_too_dear(candidate: Candidate, attempt: Attempt) -> Candidate:
    if candidate.refusal is not None or (words := over_budget(candidate, attempt)) is None:
        return candidate
    return candidate.refused(Refused(Reason.OVER_BUDGET, words))
