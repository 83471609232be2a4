"""Prices that are older than they may be. A price without a date is not doubted.

In: placements or a price, the time, the greatest age. Out: a sentence with source and date, empty while all are fresh.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from inferfleet.domain.gpu import Price
from inferfleet.domain.placement import Placement
from inferfleet.domain.wording import rate_text


def stale_prices(placements: Iterable[Placement], now: datetime, greatest_age: timedelta | None) -> str:
    """Name every price of the placements that is older than the greatest age (None: any age will do)."""
    prices = {item.pool: item.price for item in placements}
    return "; ".join(text for price in prices.values() if (text := stale_price(price, now, greatest_age)))


def stale_price(price: Price | None, now: datetime, greatest_age: timedelta | None) -> str:
    """Return a sentence about a price that is older than the greatest age (None: any age will do), else nothing."""
    if price is None or price.date is None or not _older(price.date, now, greatest_age):
        return ""
    amount, days = rate_text(price.usd_per_gpu_hour), greatest_age.days if greatest_age else 0
    return f"USD {amount} per GPU-hour ({price.source}) is dated {price.date:%Y-%m-%d}: more than {days} days old"


def _older(stated: date, now: datetime, greatest_age: timedelta | None) -> bool:
    return greatest_age is not None and now.date() - stated > greatest_age
