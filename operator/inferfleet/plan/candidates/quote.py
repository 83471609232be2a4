"""Turn assessments into options: how many replicas, and at what price.

In: assessments and prices. Out: `offers`, counted, priced and sorted, the same for every demand of a shape. Whether
stock and money allow one today is the business of `gate`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from inferfleet.api.enums import ReservePolicy
from inferfleet.domain.demand import Demand
from inferfleet.domain.gpu import Price
from inferfleet.domain.money import HOURS_PER_MONTH
from inferfleet.domain.placement import Placement
from inferfleet.plan.candidates.assess import Assessment
from inferfleet.plan.candidates.filters import Refusal

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
    def charged_per_gpu_hour(self) -> Decimal:
        """USD per GPU-hour that it is charged: what runs without a stated price pays what it paid; 0 without any."""
        if self.price is not None:
            return self.price.usd_per_gpu_hour
        return self.held.usd_per_gpu_hour if self.held is not None else ZERO

    @property
    def replica_usd_per_month(self) -> Decimal:
        """USD per month of 730 hours for one replica, 0 without a price."""
        return self.assessment.tensor_parallel_size * self.charged_per_gpu_hour * HOURS_PER_MONTH

    @property
    def claimed_usd(self) -> Decimal:
        """USD that the ledger holds for it: a batch's total, else USD per month of the reserved count."""
        hours = self.assessment.hours
        if hours is None:
            return self.reserved * self.replica_usd_per_month
        return self.gpus * self.charged_per_gpu_hour * Decimal(f"{hours:.6f}")

    @property
    def comparable(self) -> Decimal:
        """The amount by which options are compared: a batch's total, else USD per month of the recommended count.

        At the price that is charged; what has none, and does not run, is dearer than everything.
        """
        if self.price is None and self.held is None:
            return Decimal("Infinity")
        if self.assessment.hours is not None:
            return self.claimed_usd
        return max(self.recommended, 1) * self.replica_usd_per_month

    @property
    def serves(self) -> bool:
        """Whether the recommended count carries the rate: scaling.maxReplicas may allow fewer than it needs."""
        return not self.recommended or self.assessment.replicas <= self.recommended

    @property
    def requests_per_second(self) -> float:
        """What the recommended count carries."""
        return self.recommended * (self.assessment.speed.requests_per_second if self.assessment.speed else 0.0)

    @property
    def order(self) -> tuple[bool, Decimal, int, float, str, str, int]:
        """What serves the rate first, cheapest first; ties by fewer GPUs, then faster, then name.

        Where scaling.maxReplicas allows too few, the cheapest per request is the cheapest.
        """
        speed = self.assessment.speed.requests_per_second if self.assessment.speed else 0.0
        size = self.assessment.tensor_parallel_size
        usd = self.comparable if self.serves else self.comparable / Decimal(self.requests_per_second)
        gpus = self.recommended * size
        return (not self.serves, usd, gpus, -speed, self.assessment.pool, self.assessment.gpu_type, size)


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
