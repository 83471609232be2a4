"""The one sum of a budget: what a policy limits, what is promised of it, what is left, and whether it is exceeded.

In: a policy, its commitments and what owners hold of it. Out: a `Statement` with a `Line` for the whole policy and one
per category. Admission, status, metrics and command line read it, so none of them can contradict another.

Two rules hold for each line. Rule 1: a month of the run-rate plus commitments stays within the limit. Rule 2: that and
the totals of batches stay within it. Until what was spent is counted, rule 2 is asked of a whole month ahead; then
rule 1 follows from it, and what rule 2 leaves is what may still be promised.
"""

from dataclasses import dataclass

from inferfleet.api.enums import CapacityType, Category
from inferfleet.domain.money import NOTHING, Charge, Total


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One limit, and what is promised of it.

    `category` is None for the whole policy; `limit` is USD of a month (None: a category without a cap).
    """

    category: Category | None
    limit: Total | None
    committed: Total
    reserved: Charge = NOTHING

    def with_more(self, charge: Charge) -> "Line":
        """The line with a charge more (or less, where it is negative)."""
        if not charge:
            return self
        return Line(category=self.category, limit=self.limit, committed=self.committed, reserved=self.reserved + charge)

    @property
    def promised(self) -> Total:
        """A month of the run-rate, the totals of batches, and commitments."""
        return self.reserved.month + self.committed

    @property
    def remaining(self) -> Total | None:
        """What both rules leave: USD of a month; negative when it is exceeded, None without a limit."""
        return None if self.limit is None else self.limit - self.promised

    @property
    def exceeded(self) -> bool:
        """Whether more is promised than the limit allows."""
        return self.remaining is not None and self.remaining < Total()


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
        return self.limit - self.whole.promised

    @property
    def exceeded(self) -> Line | None:
        """The first line of which more is promised than its limit, the whole policy before a category; else None."""
        return next((line for line in (self.whole, *self.categories) if line.exceeded), None)
