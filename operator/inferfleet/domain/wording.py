"""How amounts and times are written for people: USD, prices per hour, durations.

In: exact values. Out: text. Rounds half up, never in exponent form.
"""

from decimal import ROUND_HALF_UP, Decimal

from inferfleet.api.scalars import WIDE

CENT = Decimal("0.01")
MICRO = Decimal("0.000001")


def in_cents(amount: Decimal) -> Decimal:
    """Round USD to cents, as status fields hold them: Decimal('2336') -> Decimal('2336.00')."""
    return amount.quantize(CENT, ROUND_HALF_UP, WIDE)


def usd_text(amount: Decimal) -> str:
    """Write USD with cents: Decimal('2336') -> '2336.00'."""
    return str(in_cents(amount))


def unit_price(usd: Decimal) -> Decimal:
    """Round USD per million tokens to cents, below one dollar to hundredths of a cent: they often cost a few cents."""
    return usd.quantize(CENT if usd >= 1 else CENT / 100, ROUND_HALF_UP, WIDE)


def rate_text(usd_per_hour: Decimal) -> str:
    """Write an hourly price with at least cents and at most six decimals."""
    exact = usd_per_hour.quantize(MICRO, ROUND_HALF_UP, WIDE)
    whole, _, fraction = f"{exact:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def duration_text(hours: float) -> str:
    """Write hours in the unit that shows them: '45 s', '12 min', '1.8 h'."""
    seconds = hours * 3600
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{hours:.1f} h"
