"""The outcome for one demand: what to run, what it costs, and why not something else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import overload

from inferfleet.api.reasons import ReadyReason
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.history import NO_HISTORY, History
from inferfleet.domain.money import NOTHING, Charge, RunRate
from inferfleet.domain.placement import Placement, draining, staying


class Record(Sequence[Candidate]):
    """Candidates in their final order, made when somebody reads them; each is worded when it is printed."""

    __slots__ = ("_built", "_write")

    def __init__(self, write: Callable[[], tuple[Candidate, ...]] = tuple) -> None:
        """Take what writes the record, from values that do not change any more."""
        self._write = write
        self._built: tuple[Candidate, ...] | None = None

    @property
    def all(self) -> tuple[Candidate, ...]:
        """Every candidate."""
        if self._built is None:
            self._built = self._write()
            self._write = tuple
        return self._built

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Candidate, ...]: ...
    def __getitem__(self, index: int | slice) -> Candidate | tuple[Candidate, ...]:
        return self.all[index]

    def __len__(self) -> int:
        return len(self.all)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.all == tuple(other)

    def __hash__(self) -> int:
        return hash(self.all)

    def __repr__(self) -> str:
        return repr(self.all)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetVerdict:
    """What the budgets said: `reason` is a condition reason (`Reserved`, `NoPolicy`, `OverBudget`, `GrowthHeld`).

    `reserved` is what each of the matching `policies` holds for it.
    """

    within: bool
    reason: str
    message: str
    policies: tuple[str, ...] = ()
    reserved: Charge = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The plan for one InferenceDeployment.

    `placements` is what shall run now (empty: nothing). `blocked` is the Ready=False reason when the spec as it stands
    cannot be served; `placements` may then still hold what was admitted before. `candidates` has the chosen one first,
    then by cost. `recommended_replicas` is what the plan would choose, also when somebody else owns the count.
    `pending`: what blocks is being asked about, so nobody has to act yet.

    `history` is to be remembered; `revisit_at` is when time alone may change the decision (None: it cannot). `cheaper`
    says what a move would save that `rebalance` does not allow. `pools` are those whose price could change it.
    `ended`: the work is over, well or not; what was made for it stays as it is and is never made again.
    """

    uid: str
    namespace: str
    name: str
    placements: tuple[Placement, ...]
    candidates: Sequence[Candidate]
    blocked: ReadyReason | None
    message: str
    budget: BudgetVerdict
    recommended_replicas: int | None = None
    replicas_clamped: str | None = None
    suspended: bool = False
    ended: bool = False
    pending: bool = False
    history: History = NO_HISTORY
    revisit_at: datetime | None = None
    cheaper: str | None = None
    pools: frozenset[str] = frozenset()

    @property
    def moving(self) -> bool:
        """Whether something still runs only until its successor is ready."""
        return bool(draining(self.placements))

    @property
    def largest(self) -> Placement | None:
        """The largest placement that is meant to stay, the first of equally large ones; None when nothing shall run."""
        return max(staying(self.placements), key=lambda placement: placement.replicas, default=None)

    @property
    def chosen(self) -> Candidate | None:
        """The candidate that was chosen, None when nothing can serve the spec."""
        return self.candidates[0] if self.candidates and self.candidates[0].verdict == "Chosen" else None

    @property
    def run_rate(self) -> RunRate:
        """USD per hour of everything that shall run."""
        return RunRate.sum(placement.run_rate for placement in self.placements)
