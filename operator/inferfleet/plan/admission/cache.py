"""The candidates of one shape as they stand against capacity, brought up to date instead of asked anew.

In: the candidates of a shape, then the capacity again and again. Out: the candidates with those refused that find no
room. Within a cycle capacity only shrinks, so only pools that gave something since the last look are looked at again.
"""

from collections.abc import Iterable

from inferfleet.api.reasons import Reason
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.money import NOTHING
from inferfleet.domain.refused import Chain, Refused
from inferfleet.plan.admission.admission import admit, feasible, no_capacity, no_price, over_budget
from inferfleet.plan.admission.attempt import Attempt
from inferfleet.plan.admission.capacity import Capacity

Admitted = tuple[tuple[Candidate, ...], list[Candidate]]
"""All candidates, and those of them that are feasible."""

_WITHOUT_MONEY = Chain(
    (Reason.NO_CAPACITY, no_capacity), (Reason.NO_PRICE, lambda candidate, capacity: no_price(candidate))
)


class CandidateCache:
    """See the module. Belongs to one cycle; `largest` is the largest claim of any candidate."""

    def __init__(self, candidates: Iterable[Candidate], capacity: Capacity) -> None:
        """Look at all of it once."""
        self.candidates = tuple(candidates)
        self._capacity = capacity
        self._standing = [self._checked(item) for item in self.candidates]
        self._places: dict[str, list[int]] = {}
        for index, item in enumerate(self._standing):
            if item.refusal is None:
                self._places.setdefault(item.pool, []).append(index)
        self._seen = len(capacity.given)
        self._shown: Admitted | None = None
        claims = (item.claim for item in self.candidates if item.refusal is None)
        self._largest = max(claims, key=lambda claim: claim.month, default=NOTHING)

    def admitted(self, attempt: Attempt) -> Admitted:
        """Return the candidates as capacity and the attempt's money leave them now."""
        if attempt.retained.excluded:
            found = admit(attempt, self.candidates)
            return found, feasible(found)
        standing, able = self._with_capacity()
        if attempt.headroom.allows(self._largest):
            return standing, able
        found = tuple(_affordable(item, attempt) for item in standing)
        return found, feasible(found)

    def _with_capacity(self) -> Admitted:
        given = self._capacity.given
        for pool in dict.fromkeys(given[self._seen :]):
            for index in self._places.get(pool, ()):
                before = self._standing[index]
                after = self._standing[index] = self._checked(before)
                if after is not before:
                    self._shown = None
        self._seen = len(given)
        if self._shown is None:
            self._shown = tuple(self._standing), feasible(self._standing)
        return self._shown

    def _checked(self, candidate: Candidate) -> Candidate:
        if candidate.refusal is not None:
            return candidate
        refusal = _WITHOUT_MONEY.refusal(candidate, self._capacity)
        return candidate if refusal is None else candidate.refused(refusal)


def _affordable(candidate: Candidate, attempt: Attempt) -> Candidate:
    if candidate.refusal is not None or (words := over_budget(candidate, attempt)) is None:
        return candidate
    return candidate.refused(Refused(Reason.OVER_BUDGET, words))
