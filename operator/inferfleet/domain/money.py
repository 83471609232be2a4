"""Dollars as exact decimals, and the one convention that turns hours into months.

Money is `Decimal` USD everywhere inside; a float never touches it.
"""

from decimal import ROUND_HALF_UP, Decimal

from inferfleet.api.scalars import WIDE

# 365 days x 24 h / 12; the convention of AWS, Google Cloud and Azure price calculators.
HOURS_PER_MONTH = Decimal(730)

CENT = Decimal("0.01")
MICRO = Decimal("0.000001")


def usd_text(amount: Decimal) -> str:
    """Write USD with cents, as status fields show it: Decimal('2336') -> '2336.00'. Rounds half up."""
    return str(amount.quantize(CENT, ROUND_HALF_UP, WIDE))


def rate_text(usd_per_hour: Decimal) -> str:
    """Write an hourly price with at least cents and at most six decimals, never in exponent form."""
    exact = usd_per_hour.quantize(MICRO, ROUND_HALF_UP, WIDE)
    whole, _, fraction = f"{exact:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
