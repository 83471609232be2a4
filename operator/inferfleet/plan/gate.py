"""Whether stock and money allow an option today: what stands between a demand's offers and the cluster.

In: offers, and the stock and ledger of the planning pass. Out: the same offers in the same order, refused where
something objects; what runs already is kept and grown as far as stock and money reach. Stock and ledger are only read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from inferfleet.api.reasons import Reason
from inferfleet.domain.demand import Demand
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Policy
from inferfleet.plan.assess import Assessment
from inferfleet.plan.eligible import Refusal
from inferfleet.plan.ledger import Headroom, Ledger, claim_of
from inferfleet.plan.options import ZERO, Option, reserved_count
from inferfleet.plan.stock import Stock


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What stands between a demand's offers and the cluster today: stock, money, pools that back off, what it holds.

    `limits` bounds placements, by name, that must not grow for now: their pool backs off. `same_spec`: what runs was
    admitted for the spec as it stands, so only estimates and prices can have changed what it claims.
    """

    demand: Demand
    policies: tuple[Policy, ...]
    held: tuple[Placement, ...]
    stock: Stock
    ledger: Ledger
    excluded_pools: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    same_spec: bool = True

    @property
    def money(self) -> Headroom:
        """What the policies leave for this demand's owner now."""
        return self.ledger.headroom(claim_of(self.demand, ZERO), self.policies)

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
            if option.refusal is not None or (objection := _over_budget(option, money)) is None
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
            or _over_budget(option, money)
        )
        return option if objection is None else replace(option, refusal=objection)

    def _grown(self, option: Option, money: Headroom) -> Option:
        """Keep what runs; grant the largest growth that stock and money allow."""
        assert option.held is not None
        size, wanted, mine = option.assessment.tensor_parallel_size, option.replicas, option.held.replicas
        limit = self.limits.get(option.held.name)
        if limit is not None and wanted > limit:
            return self._granted(option, limit, f"pool {option.assessment.pool} did not deliver them and is left alone")
        if wanted <= mine:
            return self._claimed_anew(option, money)
        if option.price is None:
            return self._granted(option, mine, f"pool {option.assessment.pool} has no price any more")
        room = mine + self.stock.room(option.assessment.pool, size)
        granted, message = min(wanted, room), f"pool {option.assessment.pool} has room for {room} of {wanted} replicas"
        trial = self._granted(option, granted, message)
        objection = _over_budget(trial, money) if granted > mine else None
        if objection is None:
            return trial if granted < wanted else self._granted(option, wanted, "")
        affordable = max(mine, min(granted - 1, self._affordable(option, money)))
        return self._claimed_anew(self._granted(option, affordable, objection.message), money)

    def _claimed_anew(self, option: Option, money: Headroom) -> Option:
        """Ask for the money where another spec claims more for the same pods: a larger batch, a larger reserve."""
        objection = None if self.same_spec else _over_budget(option, money)
        return option if objection is None else replace(option, refusal=objection)

    def _affordable(self, option: Option, money: Headroom) -> int:
        """Replicas that the money left would pay for, beside what is held already."""
        unit = option.replica_usd_per_month
        if money.limit is None or money.barred is not None or not unit or money.limit <= 0:
            return 0
        return int(money.limit / unit)

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


def _over_budget(option: Option, money: Headroom) -> Refusal | None:
    usd = option.claimed_usd
    if money.allows(usd):
        return None
    return Refusal(Reason.OVER_BUDGET, lambda: money.refusal(usd))
