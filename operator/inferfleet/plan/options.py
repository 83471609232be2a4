"""Turn assessments into options: how many replicas, at what price, and whether stock and money allow them today.

In: one demand's assessments, and the stock and ledger of the planning pass. Out: `offers` are counted, priced and
sorted, the same for every demand of a shape; `Gate.settle` refuses those that today's stock or money cannot carry.
Stock and ledger are only read here; `decide` charges them with what was chosen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property

from inferfleet.api.enums import ReservePolicy
from inferfleet.api.reasons import Reason
from inferfleet.domain.demand import Demand
from inferfleet.domain.gpu import Price
from inferfleet.domain.money import HOURS_PER_MONTH
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Policy
from inferfleet.plan.assess import Assessment
from inferfleet.plan.eligible import Refusal
from inferfleet.plan.ledger import Headroom, Ledger, claim_of
from inferfleet.plan.stock import Place, Stock

ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Option:
    """A candidate with its count and price; `refusal` None means that it could run now.

    `replicas` is what would run; `recommended` is what the plan would choose if it owned the count; `short` replicas
    were asked for and not granted (growth of something that runs). `reserved` is the count that the ledger holds.
    Demands of one shape share their options as long as stock and money do not object.
    """

    assessment: Assessment
    refusal: Refusal | None
    recommended: int = 0
    replicas: int = 0
    reserved: int = 0
    short: int = 0
    short_message: str = ""
    price: Price | None = None
    held: Placement | None = None

    @cached_property
    def place(self) -> Place:
        """Where its room is."""
        return (self.assessment.pool, self.assessment.tensor_parallel_size)

    @property
    def gpus(self) -> int:
        """GPUs of all replicas."""
        return self.replicas * self.assessment.tensor_parallel_size

    @cached_property
    def usd_per_hour(self) -> Decimal | None:
        """USD per hour of all replicas, None without a price."""
        return None if self.price is None else self.gpus * self.price.usd_per_gpu_hour

    @cached_property
    def usd_total(self) -> Decimal | None:
        """Forecast total of a batch in USD, None for real-time work or without a price."""
        hours, hourly = self.assessment.hours, self.usd_per_hour
        return None if hours is None or hourly is None else hourly * Decimal(f"{hours:.6f}")

    @cached_property
    def replica_usd_per_month(self) -> Decimal:
        """USD per month of 730 hours for one replica, 0 without a price."""
        if self.price is None:
            return ZERO
        return self.assessment.tensor_parallel_size * self.price.usd_per_gpu_hour * HOURS_PER_MONTH

    @cached_property
    def claimed_usd(self) -> Decimal:
        """USD that the ledger holds for it: a batch's total, else USD per month of the reserved count."""
        return self.usd_total if self.usd_total is not None else self.reserved * self.replica_usd_per_month

    @cached_property
    def comparable(self) -> Decimal:
        """The amount by which options are compared: a batch's total, else USD per month of the recommended count."""
        if self.price is None:
            return Decimal("Infinity")
        return self.usd_total if self.usd_total is not None else max(self.recommended, 1) * self.replica_usd_per_month

    @cached_property
    def order(self) -> tuple[Decimal, int, float, str, str, int]:
        """Cheapest first; ties by fewer GPUs, then faster, then name."""
        speed = self.assessment.speed.requests_per_second if self.assessment.speed else 0.0
        size = self.assessment.tensor_parallel_size
        return (self.comparable, self.recommended * size, -speed, self.assessment.pool, self.assessment.gpu_type, size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The replica count of one assessment: what the plan recommends and what is wanted, with a note where clamped."""

    recommended: int
    wanted: int
    clamped: str | None = None


def counts(demand: Demand, assessed: int) -> Counts:
    """Apply minReplicas, maxReplicas and an externally owned count to what the rate needs."""
    if demand.spec.batch is not None:
        return Counts(recommended=1, wanted=1)
    scaling = demand.spec.scaling
    least, most = scaling.min_replicas, scaling.max_replicas
    recommended = _clamp(assessed, least, most)
    owned = demand.spec.replicas
    if owned is None:
        clamped = (
            f"the rate needs {assessed} replicas; scaling.maxReplicas is {most}" if most and assessed > most else None
        )
        return Counts(recommended=recommended, wanted=recommended, clamped=clamped)
    wanted = _clamp(owned, least, most)
    bounds = f"{least} to {most if most is not None else 'any'}"
    return Counts(
        recommended=recommended,
        wanted=wanted,
        clamped=None if wanted == owned else f"spec.replicas {owned} is outside scaling ({bounds}): {wanted}",
    )


def _clamp(count: int, least: int, most: int | None) -> int:
    return max(least, count) if most is None else min(most, max(least, count))


def reserved_count(demand: Demand, replicas: int) -> int:
    """The replicas that the ledger holds: the current count, or the largest one where the spec says so."""
    scaling = demand.spec.scaling
    largest = scaling.max_replicas if scaling.reserve is ReservePolicy.MAX else None
    return max(replicas, largest) if largest and replicas else replicas


def offers(demand: Demand, assessments: Iterable[Assessment], prices: Mapping[str, Price | None]) -> tuple[Option, ...]:
    """Count and price what was assessed, cheapest first; nothing here depends on stock, money or identity."""
    return tuple(
        sorted((_offer(demand, item, prices[item.pool]) for item in assessments), key=lambda option: option.order)
    )


def _offer(demand: Demand, assessment: Assessment, price: Price | None) -> Option:
    if assessment.refusal is not None:
        return Option(assessment=assessment, refusal=assessment.refusal, price=price)
    count = counts(demand, assessment.replicas)
    return Option(
        assessment=assessment,
        refusal=None,
        recommended=count.recommended,
        replicas=count.wanted,
        reserved=reserved_count(demand, count.wanted),
        price=price,
    )


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
        if self.held or self.excluded_pools or self.demand.excluded_pools or money.barred is not None:
            return tuple(option if option.refusal is not None else self._settled(option, money) for option in offered)
        room, limit = self.stock.room_at, money.limit
        # The same questions as `_settled` asks, without a call for each: nearly all offers have no objection.
        return tuple(
            option
            if option.refusal is not None
            or (
                option.price is not None
                and room(option.place) >= option.replicas
                and (limit is None or option.claimed_usd <= limit)
            )
            else self._settled(option, money)
            for option in offered
        )

    def _settled(self, option: Option, money: Headroom) -> Option:
        placement = held_here(self.held, option.assessment) if self.held else None
        if placement is not None:
            return self._grown(replace(option, held=placement), money)
        objection = (
            self._backing_off(option) or self._no_capacity(option) or _no_price(option) or _over_budget(option, money)
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

    def _no_capacity(self, option: Option) -> Refusal | None:
        assessment = option.assessment
        room = self.stock.room(assessment.pool, assessment.tensor_parallel_size)
        if room >= option.replicas:
            return None
        return Refusal(
            Reason.NO_CAPACITY,
            lambda: (
                f"needs {option.replicas} x {assessment.tensor_parallel_size} GPUs, each on one node; pool "
                f"{assessment.pool} has room for {room} (nodes that may still be added included)"
            ),
        )


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


def _no_price(option: Option) -> Refusal | None:
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
