"""The one sum of a budget: what a policy limits, what is promised of it, what is left, and whether it is exceeded.

In: a policy, its commitments and what owners hold of it. Out: a `Statement` with a `Line` for the whole policy and one
per category. Admission, status, metrics and command line read it, so none of them can contradict another.

Two rules hold for each line. Rule 1: a month of the run-rate plus commitments stays within the limit. Rule 2: that and
the totals of batches stay within it. Until what was spent is counted, rule 2 is asked of a whole month ahead; then
rule 1 follows from it, and what rule 2 leaves is what may still be promised.

GPUs whose pods end are kept from newcomers until they are free, but nobody is promised them: they exceed no limit. Else
the operator's own moves would, as an old pod and its successor overlap.
"""

from dataclasses import dataclass, replace

from inferfleet.api.enums import CapacityType, Category
from inferfleet.domain.money import NOTHING, Charge, RunRate, Total


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One limit, and what is held of it.

    `category` is None for the whole policy; `limit` is USD of a month (None: a category without a cap). `ending` is
    what `reserved` holds beyond promises: GPUs of pods that end.
    """

    category: Category | None
    limit: Total | None
    committed: Total
    reserved: Charge = NOTHING
    ending: RunRate = NOTHING.run_rate

    def with_more(self, charge: Charge, ending: RunRate = NOTHING.run_rate) -> "Line":
        """The line with a charge more (or less, where it is negative), of which so much ends."""
        if not charge:
            return self
        return replace(self, reserved=self.reserved + charge, ending=self.ending + ending)

    @property
    def promised(self) -> Total:
        """A month of the run-rate, the totals of batches, and commitments."""
        return self.reserved.month - self.ending.month + self.committed

    @property
    def left(self) -> Total | None:
        """What both rules leave a newcomer beside pods that end: USD of a month, may be negative; None: no limit."""
        return None if self.limit is None else self.limit - self.reserved.month - self.committed

    @property
    def remaining(self) -> Total | None:
        """What both rules leave, as people are told: USD of a month; negative only when it is exceeded."""
        if self.limit is None or self.left is None:
            return None
        return self.left if self.left >= Total() else min(Total(), self.limit - self.promised)

    @property
    def exceeded(self) -> bool:
        """Whether more is promised than the limit allows."""
        return self.limit is not None and self.promised > self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """An owner and what it holds of a policy; of one that is gone only its last pods are left, and no replicas."""

    uid: str
    namespace: str
    name: str
    category: Category
    charge: Charge
    replicas: int = 0
    capacity_type: CapacityType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One policy: the whole, its categories in the order of the vocabulary, and the holders, the largest first.

    `categories` are those with a cap, a commitment or a holder.
    """

    policy: str
    whole: Line
    categories: tuple[Line, ...]
    holders: tuple[Holder, ...]

    @property
    def limit(self) -> Total:
        """USD of a month for everything; a policy always has it."""
        assert self.whole.limit is not None
        return self.whole.limit

    @property
    def remaining(self) -> Total:
        """What both rules leave of the limit: USD of a month; negative when it is exceeded."""
        assert self.whole.remaining is not None
        return self.whole.remaining

    @property
    def exceeded(self) -> Line | None:
        """The first line of which more is promised than its limit, the whole policy before a category; else None."""
        return next((line for line in (self.whole, *self.categories) if line.exceeded), None)
