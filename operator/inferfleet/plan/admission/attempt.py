"""One demand that is being decided: what it asks, what it holds, and what capacity and budgets leave for it.

In: the demand, its holding, and the scratch pads of the cycle. Out: what a candidate would charge, and whether that is
affordable. Capacity and ledger are only read here; `commit` charges them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from inferfleet.api.enums import Role
from inferfleet.budget import Headroom, Ledger, claim_of
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.history import NO_HISTORY, History
from inferfleet.domain.money import NOTHING, Charge, RunRate
from inferfleet.domain.placement import Placement, draining
from inferfleet.domain.world import Policy
from inferfleet.plan.admission.backoff import Retained, retain
from inferfleet.plan.admission.capacity import Capacity


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attempt:
    """See the module.

    `retained` is what of the holding still counts. `policies` match the namespace; `headroom` is what they leave for
    this demand's owner now. `now` is None where there is no clock (offline).
    """

    demand: Demand
    holding: Holding | None
    retained: Retained
    policies: tuple[Policy, ...]
    headroom: Headroom
    capacity: Capacity
    ledger: Ledger
    now: datetime | None

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
            retained=retain(holding, now),
            policies=policies,
            headroom=ledger.headroom(claim_of(demand, NOTHING), policies),
            capacity=capacity,
            ledger=ledger,
            now=now,
        )

    @property
    def history(self) -> History:
        """What is remembered of earlier decisions."""
        return self.holding.history if self.holding else NO_HISTORY

    @property
    def batch(self) -> bool:
        """Whether this is a batch: two of it must not write one output."""
        return self.demand.spec.batch is not None

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
