"""Dollars as exact decimals: what runs costs a rate, what ends costs a total, and the two are different types.

Money is `Decimal` USD everywhere inside; a float never touches it. `RunRate` (USD per hour) and `Total` (USD) cannot be
added to each other by accident: only time turns a rate into a total.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)
# 365 days x 24 h / 12; the convention of AWS, Google Cloud and Azure price calculators.
HOURS_PER_MONTH = Decimal(730)


@dataclass(frozen=True, slots=True, order=True)
class Total:
    """USD once: the forecast of a batch, or what a rate costs over a time."""

    usd: Decimal = ZERO

    def __add__(self, other: "Total") -> "Total":
        return Total(self.usd + other.usd) if isinstance(other, Total) else NotImplemented

    def __sub__(self, other: "Total") -> "Total":
        return Total(self.usd - other.usd) if isinstance(other, Total) else NotImplemented

    def __bool__(self) -> bool:
        return bool(self.usd)

    @classmethod
    def sum(cls, parts: Iterable["Total"]) -> "Total":
        """Add them up."""
        return cls(sum((part.usd for part in parts), ZERO))


@dataclass(frozen=True, slots=True, order=True)
class RunRate:
    """USD per hour for as long as something runs."""

    usd_per_hour: Decimal = ZERO

    def __add__(self, other: "RunRate") -> "RunRate":
        return RunRate(self.usd_per_hour + other.usd_per_hour) if isinstance(other, RunRate) else NotImplemented

    def __sub__(self, other: "RunRate") -> "RunRate":
        return RunRate(self.usd_per_hour - other.usd_per_hour) if isinstance(other, RunRate) else NotImplemented

    def __mul__(self, times: int) -> "RunRate":
        return RunRate(self.usd_per_hour * times)

    def __bool__(self) -> bool:
        return bool(self.usd_per_hour)

    def over(self, hours: Decimal) -> Total:
        """Return what it costs over so many hours."""
        return Total(self.usd_per_hour * hours)

    @property
    def month(self) -> Total:
        """What it costs over a month of 730 hours."""
        return self.over(HOURS_PER_MONTH)

    @classmethod
    def sum(cls, parts: Iterable["RunRate"]) -> "RunRate":
        """Add them up."""
        return cls(sum((part.usd_per_hour for part in parts), ZERO))


@dataclass(frozen=True, slots=True)
class Charge:
    """What something costs a budget: a rate for as long as it runs, and a total that ends with it."""

    run_rate: RunRate = RunRate()
    total: Total = Total()

    def __add__(self, other: "Charge") -> "Charge":
        return Charge(self.run_rate + other.run_rate, self.total + other.total)

    def __sub__(self, other: "Charge") -> "Charge":
        return Charge(self.run_rate - other.run_rate, self.total - other.total)

    def __bool__(self) -> bool:
        return bool(self.run_rate) or bool(self.total)

    @property
    def month(self) -> Total:
        """What it takes of a month's limit that nothing was spent of yet."""
        return self.run_rate.month + self.total

    @classmethod
    def sum(cls, parts: Iterable["Charge"]) -> "Charge":
        """Add them up."""
        rates, totals = ZERO, ZERO
        for part in parts:
            rates += part.run_rate.usd_per_hour
            totals += part.total.usd
        return cls(RunRate(rates), Total(totals))


NOTHING = Charge()
