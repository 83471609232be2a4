"""Checks candidates against capacity, back-offs and budget.

In: quoted candidates and an attempt. Out: the same candidates in the same order, refused where something objects; what
runs already is kept, and grown as far as capacity and money reach.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from inferfleet.api.reasons import Reason
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.money import Charge
from inferfleet.domain.placement import Placement
from inferfleet.domain.refused import Chain, Refused, Words
from inferfleet.domain.wording import usd_text
from inferfleet.plan.admission.attempt import Attempt
from inferfleet.plan.admission.capacity import Capacity
from inferfleet.plan.candidates.quote import Prices, in_order
from inferfleet.plan.candidates.running import running_here
from inferfleet.plan.candidates.sizing import reserved_replicas


class Admitted:
    """What could run now (`able`, in the order of preference), and all candidates as they stand, for who reads them."""

    __slots__ = ("_prices", "_standing", "able")

    def __init__(self, able: Sequence[Candidate], standing: Callable[[], Iterable[Candidate]], prices: Prices) -> None:
        """Take what makes the candidates, from values that do not change any more."""
        self.able = able
        self._standing = standing
        self._prices = prices

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Every candidate, in the order of the record; refused where something objects."""
        return in_order(self._standing(), self._prices)

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
    both = f"with {usd_text(drains.month.usd)} for what runs until the move is over: " if drains else ""
    return lambda: both + headroom.refusal(charge)


ADMISSION = Chain(
    (Reason.POOL_BACKING_OFF, backing_off),
    (Reason.NO_CAPACITY, lambda candidate, attempt: no_capacity(candidate, attempt.capacity)),
    (Reason.NO_PRICE, lambda candidate, attempt: no_price(candidate)),
    (Reason.OVER_BUDGET, over_budget),
)
"""What is asked of a candidate that does not run yet."""


def _admitted(attempt: Attempt, candidate: Candidate) -> Candidate:
    placement = running_here(attempt.retained.running, candidate)
    if placement is not None:
        return _grown(attempt, candidate.run_by(placement))
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
