"""What a GPU-hour of a pool costs: the pool's own price, else its GPU type's default for the capacity type.

Missing is not zero: without a price nothing is planned on the pool. Zero is a price (owned hardware).
"""

from inferfleet.domain.gpu import Price
from inferfleet.domain.world import Pool


def price_of(pool: Pool) -> Price | None:
    """Return the price with its source and date, None when nobody states one."""
    if pool.usd_per_gpu_hour is not None:
        return Price(
            capacity_type=pool.capacity_type,
            usd_per_gpu_hour=pool.usd_per_gpu_hour,
            source=pool.price_source or f"pool {pool.name}",
            date=pool.price_date,
        )
    return pool.gpu.price(pool.capacity_type) if pool.gpu else None
