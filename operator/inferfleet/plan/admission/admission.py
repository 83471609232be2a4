"""Whether stock and money allow an option today: what stands between a demand's offers and the cluster.

In: offers, and the stock and ledger of the planning pass. Out: the same offers in the same order, refused where
something objects; what runs already is kept and grown as far as stock and money reach. Stock and ledger are only read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from inferfleet.api.enums import Role
from inferfleet.api.reasons import Reason
from inferfleet.budget.ledger import Headroom, Ledger, claim_of
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.placement import Placement
from inferfleet.domain.wording import usd_text
from inferfleet.domain.world import Policy
from inferfleet.plan.admission.capacity import Stock
from inferfleet.plan.candidates.assess import Assessment
from inferfleet.plan.candidates.filters import Refusal
from inferfleet.plan.candidates.quote import ZERO, Option, reserved_count
from inferfleet.plan.choice.placements import usd_per_month


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What stands between a demand's offers and the cluster today: stock, money, pools that back off, what it holds.

    `limits` bounds placements, by name, that must not grow for now: their pool backs off. `same_spec`: what runs was
    admitted for the spec as it stands, so only estimates and prices can have changed what it claims. `draining` runs
    on, and is paid for, until what takes its place is ready.
    """

    demand: Demand
    policies: tuple[Policy, ...]
    held: tuple[Placement, ...]
    stock: Stock
    ledger: Ledger
    excluded_pools: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    same_spec: bool = True
    holding: Holding | None = None
    draining: tuple[Placement, ...] = ()

    @property
    def money(self) -> Headroom:
        """What the policies leave for this demand's owner now."""
        return self.ledger.headroom(claim_of(self.demand, ZERO), self.policies)

    def claimed_usd(self, *parts: Option) -> Decimal:
        """USD that would be held with these running: a batch's total, else per month, with what drains beside them."""
        usd = sum((part.claimed_usd for part in parts), ZERO)
        leaving = _beside(self.draining, parts) if self.draining else ()
        return usd + usd_per_month(leaving) if leaving and not self._ready(parts) else usd

    def affords(self, *parts: Option) -> bool:
        """Whether money allows these to run together."""
        return self.money.allows(self.claimed_usd(*parts))

    def admitted(self, *parts: Option) -> bool:
        """Whether the money was granted for just this: the spec is the same, and it is not what a move was leaving.

        What a move leaves holds no `reserve: Max` any more, so turning back to it claims that anew.
        """
        before = self.holding.placements if self.holding else ()
        left = {item.name for item in before if item.role is Role.DRAINING}
        return self.same_spec and not any(part.held and part.held.name in left for part in parts)

    def settle(self, offered: Iterable[Option]) -> tuple[Option, ...]:
        """Return the offers as they stand now, in the same order; the first objection refuses an offer."""
        money = self.money
        return tuple(option if option.refusal is not None else self._settled(option, money) for option in offered)

    @property
    def only_money(self) -> bool:
        """Whether stock says the same of every offer as to anybody else of the shape, so that only money is asked."""
        return not (self.held or self.excluded_pools or self.demand.excluded_pools)

    def afford(self, standing: tuple[Option, ...], largest: Decimal) -> tuple[Option, ...]:
        """Refuse what money does not cover of offers that stock allows; `largest` is the largest claim among them."""
        money = self.money
        if money.barred is None and (money.limit is None or largest <= money.limit):
            return standing
        return tuple(
            option
            if option.refusal is not None or (objection := _over_budget(option.claimed_usd, money)) is None
            else replace(option, refusal=objection)
            for option in standing
        )

    def _settled(self, option: Option, money: Headroom) -> Option:
        placement = held_here(self.held, option.assessment) if self.held else None
        if placement is not None:
            return self._grown(replace(option, held=placement), money)
        objection = (
            self._backing_off(option)
            or no_capacity(option, self.stock)
            or no_price(option)
            or self._objection(option, money)
        )
        return option if objection is None else replace(option, refusal=objection)

    def _grown(self, option: Option, money: Headroom) -> Option:
        """Keep what runs, grow it as far as stock and money allow, and ask for the money that another spec claims."""
        kept = self._granted(option, *self._grantable(option, money))
        # A larger batch or reserve, or another category, claims more for the same pods, also where nothing may grow.
        objection = None if self.admitted(kept) else self._objection(kept, money)
        return kept if objection is None else replace(kept, refusal=objection)

    def _grantable(self, option: Option, money: Headroom) -> tuple[int, str]:
        """Return the largest count that may run, and why it is not what was asked for."""
        assert option.held is not None
        pool, wanted, mine = option.assessment.pool, option.replicas, option.held.replicas
        limit = self.limits.get(option.held.name)
        if limit is not None and wanted > limit:
            return limit, f"pool {pool} did not deliver them and is left alone"
        if wanted <= mine:
            return wanted, ""
        if option.price is None:
            return mine, f"pool {pool} has no price any more"
        room = mine + self.stock.room(pool, option.assessment.tensor_parallel_size)
        granted, message = min(wanted, room), f"pool {pool} has room for {room} of {wanted} replicas"
        trial = self._granted(option, granted, message)
        objection = self._objection(trial, money) if granted > mine else None
        if objection is None:
            return granted, message
        asked = f"{message}, and {granted} replicas: " if granted < wanted else ""
        return max(mine, min(granted - 1, self._affordable(trial, money))), f"{asked}{objection.message}"

    def _objection(self, option: Option, money: Headroom) -> Refusal | None:
        usd = self.claimed_usd(option)
        return _over_budget(usd, money, draining=usd - option.claimed_usd)

    def _affordable(self, trial: Option, money: Headroom) -> int:
        """Replicas that the money left would pay for, beside what is held already and what drains."""
        unit = trial.replica_usd_per_month
        if money.limit is None or money.barred is not None or not unit:
            return 0
        beside = self.claimed_usd(trial) - trial.claimed_usd
        return max(0, int((money.limit - beside) / unit))

    def _ready(self, parts: Iterable[Option]) -> bool:
        """Whether all of this serves already, so that what it replaces leaves at once."""
        holding = self.holding
        return holding is not None and all(
            part.held is not None and holding.pods_of(part.held.name).ready >= part.replicas for part in parts
        )

    def _granted(self, option: Option, granted: int, message: str) -> Option:
        return replace(
            option,
            replicas=granted,
            reserved=reserved_count(self.demand, granted),
            short=option.replicas - granted,
            short_message=message if option.replicas > granted else "",
        )

    def _backing_off(self, option: Option) -> Refusal | None:
        pool = option.assessment.pool
        if pool not in self.excluded_pools and pool not in self.demand.excluded_pools:
            return None
        return Refusal(Reason.POOL_BACKING_OFF, f"pool {pool} did not deliver lately and is left alone for a while")


def held_here(held: tuple[Placement, ...], assessment: Assessment) -> Placement | None:
    """Return the placement that runs exactly this candidate, None when it does not run."""
    here = (assessment.pool, assessment.gpu_type, assessment.capacity_type, assessment.tensor_parallel_size)
    return next(
        (
            placement
            for placement in held
            if (placement.pool, placement.gpu_type, placement.capacity_type, placement.tensor_parallel_size) == here
        ),
        None,
    )


def no_capacity(option: Option, stock: Stock) -> Refusal | None:
    """Refuse what finds no room."""
    assessment = option.assessment
    room = stock.room(assessment.pool, assessment.tensor_parallel_size)
    if room >= option.replicas:
        return None
    return Refusal(
        Reason.NO_CAPACITY,
        lambda: (
            f"needs {option.replicas} x {assessment.tensor_parallel_size} GPUs, each on one node; pool "
            f"{assessment.pool} has room for {room} (nodes that may still be added included)"
            f"{stock.left_out(assessment.pool)}"
        ),
    )


def no_price(option: Option) -> Refusal | None:
    """Refuse what has no price: missing is not zero."""
    if option.price is not None:
        return None
    assessment = option.assessment
    return Refusal(
        Reason.NO_PRICE,
        lambda: (
            f"no {assessment.capacity_type} price for pool {assessment.pool}: set spec.usdPerGPUHour there, or a price "
            f"for {assessment.capacity_type} in GPUType {assessment.gpu_type}"
        ),
    )


def _over_budget(usd: Decimal, money: Headroom, *, draining: Decimal = ZERO) -> Refusal | None:
    if money.allows(usd):
        return None
    both = f"with {usd_text(draining)} for what runs until the move is over: " if draining else ""
    return Refusal(Reason.OVER_BUDGET, lambda: both + money.refusal(usd))


def _beside(draining: Iterable[Placement], parts: Iterable[Option]) -> tuple[Placement, ...]:
    """What drains and is not one of the parts."""
    names = {part.held.name for part in parts if part.held}
    return tuple(item for item in draining if item.name not in names)
