"""Turn assessments into options: how many replicas, at what price, and whether stock and money allow them today.

In: one demand's assessments, and the stock and ledger of the planning pass. Out: one `Option` each, refused or
feasible. Stock and ledger are only read here; `decide` charges them with what was chosen.
"""

from dataclasses import dataclass
from decimal import Decimal

from inferfleet.api.enums import CapacityType, ReservePolicy
from inferfleet.api.reasons import Reason
from inferfleet.domain.demand import Demand
from inferfleet.domain.gpu import Price
from inferfleet.domain.money import HOURS_PER_MONTH
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Policy
from inferfleet.plan.assess import Assessment
from inferfleet.plan.eligible import Refusal
from inferfleet.plan.ledger import Claim, Ledger, claim_of
from inferfleet.plan.stock import Stock, held_replicas

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A candidate with its count and price; `refusal` None means that it could run now.

    `replicas` is what would run; `recommended` is what the plan would choose if it owned the count; `short` replicas
    were asked for and not granted (growth of something that runs).
    """

    assessment: Assessment
    refusal: Refusal | None
    recommended: int = 0
    replicas: int = 0
    short: int = 0
    short_message: str = ""
    price: Price | None = None
    held: Placement | None = None

    @property
    def gpus(self) -> int:
        """GPUs of all replicas."""
        return self.replicas * self.assessment.tensor_parallel_size

    @property
    def usd_per_hour(self) -> Decimal | None:
        """USD per hour of all replicas, None without a price."""
        return None if self.price is None else self.gpus * self.price.usd_per_gpu_hour

    @property
    def usd_total(self) -> Decimal | None:
        """Forecast total of a batch in USD, None for real-time work or without a price."""
        hours, hourly = self.assessment.hours, self.usd_per_hour
        return None if hours is None or hourly is None else hourly * Decimal(f"{hours:.6f}")

    @property
    def comparable(self) -> Decimal:
        """The amount by which options are compared: a batch's total, else USD per month of the recommended count."""
        if self.price is None:
            return Decimal("Infinity")
        if self.usd_total is not None:
            return self.usd_total
        gpus = max(self.recommended, 1) * self.assessment.tensor_parallel_size
        return gpus * self.price.usd_per_gpu_hour * HOURS_PER_MONTH

    @property
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


def claimed_usd(demand: Demand, option: Option) -> Decimal:
    """USD the ledger holds for an option: a batch's total, else USD per month of the current or the largest count."""
    if option.usd_total is not None:
        return option.usd_total
    count = option.replicas
    scaling = demand.spec.scaling
    if scaling.reserve is ReservePolicy.MAX and scaling.max_replicas and count:
        count = max(count, scaling.max_replicas)
    return count * replica_usd_per_month(option)


def replica_usd_per_month(option: Option) -> Decimal:
    """USD per month of 730 hours for one replica."""
    if option.price is None:
        return ZERO
    return option.assessment.tensor_parallel_size * option.price.usd_per_gpu_hour * HOURS_PER_MONTH


def claim_for(demand: Demand, option: Option) -> Claim:
    """The claim that admitting this option would put into the ledger."""
    return claim_of(demand, claimed_usd(demand, option))


def weigh(
    demand: Demand,
    assessment: Assessment,
    price: Price | None,
    *,
    held: tuple[Placement, ...],
    stock: Stock,
    ledger: Ledger,
    policies: tuple[Policy, ...],
) -> Option:
    """Count, price and check one assessment; the first objection in the documented order refuses it."""
    if assessment.refusal is not None:
        return Option(assessment=assessment, refusal=assessment.refusal, price=price)
    count = counts(demand, assessment.replicas)
    mine = held_replicas(held, assessment.pool, assessment.tensor_parallel_size)
    placement = _held_here(held, assessment)
    option = Option(
        assessment=assessment,
        refusal=None,
        recommended=count.recommended,
        replicas=count.wanted,
        price=price,
        held=placement,
    )
    if placement is not None and mine > 0:
        return _grown(demand, option, mine, stock=stock, ledger=ledger, policies=policies)
    objection = (
        _backing_off(demand, assessment)
        or _no_capacity(option, stock)
        or _no_price(option)
        or _over_budget(demand, option, ledger, policies)
    )
    return _with(option, refusal=objection) if objection else option


def _held_here(held: tuple[Placement, ...], assessment: Assessment) -> Placement | None:
    return next(
        (
            placement
            for placement in held
            if placement.pool == assessment.pool
            and placement.tensor_parallel_size == assessment.tensor_parallel_size
            and placement.gpu_type == assessment.gpu_type
            and placement.capacity_type == assessment.capacity_type
        ),
        None,
    )


def _grown(
    demand: Demand, option: Option, mine: int, *, stock: Stock, ledger: Ledger, policies: tuple[Policy, ...]
) -> Option:
    """Keep what runs; grant the largest growth that stock and money allow."""
    if option.price is None:
        message = f"pool {option.assessment.pool} has no price any more"
        return _with(option, replicas=min(mine, option.replicas), short=max(0, option.replicas - mine), message=message)
    if option.replicas <= mine:
        return option
    wanted = option.replicas
    room = mine + stock.room(option.assessment.pool, option.assessment.tensor_parallel_size)
    granted, message = wanted, ""
    if room < wanted:
        granted, message = room, f"pool {option.assessment.pool} has room for {room} of {wanted} replicas"
    while granted > mine:
        trial = _with(option, replicas=granted)
        objection = _over_budget(demand, trial, ledger, policies)
        if objection is None:
            break
        available = ledger.available(claim_for(demand, trial), policies)
        unit = replica_usd_per_month(option)
        affordable = int(available / unit) if available is not None and unit and available > 0 else 0
        granted, message = max(mine, min(granted - 1, affordable)), objection.message
    return _with(option, replicas=granted, short=wanted - granted, message=message)


def _backing_off(demand: Demand, assessment: Assessment) -> Refusal | None:
    if assessment.pool not in demand.excluded_pools:
        return None
    message = f"pool {assessment.pool} did not deliver lately and is left alone for a while"
    return Refusal(Reason.POOL_BACKING_OFF, message)


def _no_capacity(option: Option, stock: Stock) -> Refusal | None:
    assessment = option.assessment
    room = stock.room(assessment.pool, assessment.tensor_parallel_size)
    if room >= option.replicas:
        return None
    kind = "spot" if assessment.capacity_type is CapacityType.SPOT else "free"
    return Refusal(
        Reason.NO_CAPACITY,
        f"needs {option.replicas} x {assessment.tensor_parallel_size} GPUs, each on one node; pool {assessment.pool} "
        f"has {kind} room for {room} (nodes that may still be added included)",
    )


def _no_price(option: Option) -> Refusal | None:
    if option.price is not None:
        return None
    assessment = option.assessment
    return Refusal(
        Reason.NO_PRICE,
        f"no {assessment.capacity_type} price for pool {assessment.pool}: set spec.usdPerGPUHour there, or a price for "
        f"{assessment.capacity_type} in GPUType {assessment.gpu_type}",
    )


def _over_budget(demand: Demand, option: Option, ledger: Ledger, policies: tuple[Policy, ...]) -> Refusal | None:
    for shortage in ledger.shortages(claim_for(demand, option), policies):
        if shortage.enforced:
            return Refusal(Reason.OVER_BUDGET, shortage.message)
    return None


def _with(
    option: Option,
    *,
    refusal: Refusal | None = None,
    replicas: int | None = None,
    short: int = 0,
    message: str = "",
) -> Option:
    return Option(
        assessment=option.assessment,
        refusal=refusal,
        recommended=option.recommended,
        replicas=option.replicas if replicas is None else replicas,
        short=short,
        short_message=message,
        price=option.price,
        held=option.held,
    )
