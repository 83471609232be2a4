"""Checks candidates against capacity, back-offs and budget.

In: an `Attempt`, which is one demand with what it holds and what capacity and budgets leave for it, and its quoted
candidates. Out: the same candidates, refused where something objects; what runs already is kept, and grown as far as
capacity and money reach. Capacity and ledger are only read; `commit` charges them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inferfleet.api.enums import Role
from inferfleet.api.reasons import Reason
from inferfleet.budget import Headroom, Ledger, claim_of
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.history import NO_HISTORY, History
from inferfleet.domain.money import NOTHING, Charge, RunRate
from inferfleet.domain.placement import Placement, draining
from inferfleet.domain.refused import Chain, Refused, Words
from inferfleet.domain.wording import usd_text
from inferfleet.domain.world import Policy
from inferfleet.plan.admission.backoff import NOTHING_RETAINED, Retained, retain
from inferfleet.plan.admission.capacity import Capacity
from inferfleet.plan.candidates.quote import Prices, in_order
from inferfleet.plan.candidates.sizing import reserved_replicas


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attempt:
    """One demand that is being decided.

    `policies` match the namespace; `headroom` is what they leave for this demand's owner now. `now` is None where there
    is no clock (offline). `retained` is what of the holding still counts, once that was asked.
    """

    demand: Demand
    holding: Holding | None
    policies: tuple[Policy, ...]
    headroom: Headroom
    capacity: Capacity
    ledger: Ledger
    now: datetime | None
    retained: Retained = NOTHING_RETAINED

    @classmethod
    def begin(
        cls,
        demand: Demand,
        holding: Holding | None,
        policies: tuple[Policy, ...],
        *,
        capacity: Capacity,
        ledger: Ledger,
        now: datetime | None,
    ) -> "Attempt":
        """Look at what is held and at what the policies leave, as of now."""
        return cls(
            demand=demand,
            holding=holding,
            policies=policies,
            headroom=ledger.headroom(claim_of(demand, NOTHING), policies),
            capacity=capacity,
            ledger=ledger,
            now=now,
        )

    def retaining(self) -> "Attempt":
        """Sort the holding into what is retained and what is released."""
        return replace(self, retained=retain(self.holding, self.now))

    @property
    def history(self) -> History:
        """What is remembered of earlier decisions."""
        return self.holding.history if self.holding else NO_HISTORY

    @property
    def batch(self) -> bool:
        """Whether this is a batch: two of it must not write one output."""
        return self.demand.spec.is_batch

    @property
    def same_spec(self) -> bool:
        """Whether what is held was admitted for the spec as it stands: then only estimates and prices have changed."""
        return self.holding is not None and self.holding.generation == self.demand.generation

    @property
    def draining(self) -> tuple[Placement, ...]:
        """What runs on, and is paid for, until what takes its place is ready."""
        return self.able_to_drain(self.retained.draining) if self.retained.draining else ()

    def able_to_drain(self, leaving: Iterable[Placement]) -> tuple[Placement, ...]:
        """Return what of this serves on, as `Draining`, while its successor starts.

        A batch leaves at once; what lies in a pool that is gone has nothing to drain on.
        """
        if self.batch:
            return ()
        return tuple(
            replace(item, role=Role.DRAINING) for item in leaving if self.capacity.has(item.pool, item.capacity_type)
        )

    def charge(self, *parts: Candidate) -> Charge:
        """What would be held with these running, what drains beside them included."""
        charge = parts[0].claim if len(parts) == 1 else Charge.sum(part.claim for part in parts)
        drains = self.draining
        if not drains or self._ready(parts):
            return charge
        names = {part.running.name for part in parts if part.running}
        return charge + Charge(RunRate.sum(item.run_rate for item in drains if item.name not in names))

    def affords(self, *parts: Candidate) -> bool:
        """Whether the budgets allow these to run together."""
        return self.headroom.allows(self.charge(*parts))

    def admitted_before(self, *parts: Candidate) -> bool:
        """Whether the money was granted for just this: the spec is the same, and it is not what a move was leaving.

        What a move leaves holds no `reserve: Max` any more, so turning back to it claims that anew.
        """
        left = {item.name for item in draining(self.holding.placements)} if self.holding else set()
        return self.same_spec and not any(part.running and part.running.name in left for part in parts)

    def _ready(self, parts: Iterable[Candidate]) -> bool:
        """Whether all of this serves already, so that what it replaces leaves at once."""
        holding = self.holding
        return holding is not None and all(
            part.running is not None and holding.pods_of(part.running.name).ready >= part.replicas for part in parts
        )


class Admitted:
    """What could run now (`able`, in the order of preference), and all candidates as they stand, for who reads them."""

    __slots__ = ("_checked", "_ordered", "_prices", "able")

    def __init__(self, able: Sequence[Candidate], checked: Callable[[], Iterable[Candidate]], prices: Prices) -> None:
        """Take what makes the candidates, from values that do not change any more."""
        self.able = able
        self._checked = checked
        self._prices = prices
        self._ordered: tuple[Candidate, ...] | None = None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Every candidate, in the order of the record; refused where something objects. Many demands may share it."""
        if self._ordered is None:
            self._ordered = in_order(self._checked(), self._prices)
        return self._ordered

    def changed(self, change: Callable[[Candidate], Candidate]) -> "Admitted":
        """Return the candidates after a change of each."""
        found = tuple(change(item) for item in self.candidates)
        return Admitted(feasible(found), lambda: found, self._prices)


def admit(attempt: Attempt, candidates: Iterable[Candidate], prices: Prices) -> Admitted:
    """Return the candidates as they stand now; the first objection refuses one."""
    found = tuple(item if item.refusal is not None else _admitted(attempt, item) for item in candidates)
    return Admitted(feasible(found), lambda: found, prices)


def feasible(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return what could run now, in the given order; probes only when nothing surer exists."""
    able = [item for item in candidates if item.refusal is None]
    return [item for item in able if not item.probe] or able


def backing_off(candidate: Candidate, attempt: Attempt) -> Words | None:
    """Object where something asked of the pool lately did not come."""
    if candidate.pool not in attempt.retained.excluded:
        return None
    return f"pool {candidate.pool} did not deliver lately and is left alone for a while"


def no_capacity(candidate: Candidate, capacity: Capacity) -> Words | None:
    """Object where there is no room."""
    room = capacity.room(candidate.pool, candidate.tensor_parallel_size)
    if room >= candidate.replicas:
        return None
    return lambda: (
        f"needs {candidate.replicas} x {candidate.tensor_parallel_size} GPUs, each on one node; pool "
        f"{candidate.pool} has room for {room} (nodes that may still be added included)"
        f"{capacity.left_out(candidate.pool)}"
    )


def no_price(candidate: Candidate) -> Words | None:
    """Object where nobody states a price: missing is not zero."""
    if candidate.quote is not None:
        return None
    return lambda: (
        f"no {candidate.capacity_type} price for pool {candidate.pool}: set spec.usdPerGPUHour there, or a price "
        f"for {candidate.capacity_type} in GPUType {candidate.gpu_type}"
    )


def over_budget(candidate: Candidate, attempt: Attempt) -> Words | None:
    """Object where the budgets do not allow it, with what drains beside it."""
    charge, headroom = attempt.charge(candidate), attempt.headroom
    if headroom.allows(charge):
        return None
    drains = charge - candidate.claim
    reserved = candidate.count.reserved
    largest = f"scaling.reserve Max holds {reserved} replicas: " if reserved > candidate.replicas else ""
    both = f"with {usd_text(drains.month.usd)} for what runs until the move is over: " if drains else ""
    return lambda: largest + both + headroom.refusal(charge)


ADMISSION = Chain(
    (Reason.POOL_BACKING_OFF, backing_off),
    (Reason.NO_CAPACITY, lambda candidate, attempt: no_capacity(candidate, attempt.capacity)),
    (Reason.NO_PRICE, lambda candidate, attempt: no_price(candidate)),
    (Reason.OVER_BUDGET, over_budget),
)
"""What is asked of a candidate that does not run yet."""


def _admitted(attempt: Attempt, candidate: Candidate) -> Candidate:
    if candidate.running is not None:
        return _grown(attempt, candidate)
    refusal = ADMISSION.refusal(candidate, attempt)
    return candidate if refusal is None else candidate.refused(refusal)


def _grown(attempt: Attempt, candidate: Candidate) -> Candidate:
    """Keep what runs as it is, shrink it, or let it grow as far as capacity and money reach."""
    assert candidate.running is not None
    kept = _granted(attempt, candidate, *_grantable(attempt, candidate, candidate.running))
    # A larger batch or reserve, or another category, claims more for the same pods, also where nothing may grow.
    words = None if attempt.admitted_before(kept) else over_budget(kept, attempt)
    return kept if words is None else kept.refused(Refused(Reason.OVER_BUDGET, words))


def _grantable(attempt: Attempt, candidate: Candidate, running: Placement) -> tuple[int, str]:
    """Return the largest count that may run, and why it is not what was asked for."""
    pool, wanted, mine = candidate.pool, candidate.replicas, running.replicas
    limit = attempt.retained.limits.get(running.name)
    if limit is not None and wanted > limit:
        return limit, f"pool {pool} did not deliver them and is left alone"
    if wanted <= mine:
        return wanted, ""
    if candidate.quote is None or not candidate.quote.stated:
        return mine, f"pool {pool} has no price any more"
    room = mine + attempt.capacity.room(pool, candidate.tensor_parallel_size)
    granted, message = min(wanted, room), f"pool {pool} has room for {room} of {wanted} replicas"
    trial = _granted(attempt, candidate, granted, message)
    words = over_budget(trial, attempt) if granted > mine else None
    if words is None:
        return granted, message
    asked = f"{message}, and {granted} replicas: " if granted < wanted else ""
    refusal = Refused(Reason.OVER_BUDGET, words)
    return max(mine, min(granted - 1, _affordable(attempt, trial))), f"{asked}{refusal.message}"


def _affordable(attempt: Attempt, trial: Candidate) -> int:
    """Replicas that the money left would pay for, beside what is held already and what drains."""
    headroom, quote = attempt.headroom, trial.quote
    if headroom.limit is None or headroom.barred is not None or quote is None or not quote.replica:
        return 0
    beside: Charge = attempt.charge(trial) - trial.claim
    return max(0, int((headroom.limit - beside.month).usd / quote.replica.month.usd))


def _granted(attempt: Attempt, candidate: Candidate, granted: int, message: str) -> Candidate:
    wanted = candidate.replicas
    return candidate.sized(
        replace(
            candidate.count,
            replicas=granted,
            reserved=reserved_replicas(attempt.demand, granted),
            short=wanted - granted,
            short_message=message if wanted > granted else "",
        )
    )
