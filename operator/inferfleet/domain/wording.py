"""How amounts and times are written for people: USD, prices per hour, durations.

In: exact values. Out: text. Rounds half up, never in exponent form.
"""

from decimal import ROUND_HALF_UP, Decimal

from inferfleet.api.scalars import WIDE

CENT = Decimal("0.01")
MICRO = Decimal("0.000001")


def usd_text(amount: Decimal) -> str:
    """Write USD with cents, as status fields show it: Decimal('2336') -> '2336.00'."""
    return str(amount.quantize(CENT, ROUND_HALF_UP, WIDE))


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
