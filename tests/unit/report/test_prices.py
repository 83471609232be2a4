"""Prices that are too old are named with source and date; a price without a date is not doubted."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from inferfleet.api.enums import CapacityType
from inferfleet.api.reasons import ConditionType
from inferfleet.api.v1alpha1 import GPUPoolStatus
from inferfleet.domain.gpu import Price
from inferfleet.domain.placement import Placement
from inferfleet.observe.objects import gpu_pool
from inferfleet.plan import decide
from inferfleet.report.platform_status import pool_status
from inferfleet.report.prices import stale_price, stale_prices
from tests.builders import demand, placed, pool, price, world

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
QUARTER = timedelta(days=90)
OLD, NEW = date(2026, 8, 1), date(2026, 11, 1)


def running(stated: date | None) -> Placement:
    listed = price("1.86", source="list of the provider", date=stated)
    where = pool("l40s", "nvidia-l40s-48gb", price=listed)
    return placed(decide(world(where), [demand()])[0])


def test_an_old_price_is_named_with_source_and_date() -> None:
    assert stale_prices([running(OLD)], NOW, QUARTER) == (
        "USD 1.86 per GPU-hour (list of the provider) is dated 2026-08-01: more than 90 days old"
    )


def test_a_price_is_fresh_up_to_the_limit() -> None:
    assert stale_prices([running(NOW.date() - QUARTER)], NOW, QUARTER) == ""


def test_a_price_without_a_date_is_not_doubted() -> None:
    assert stale_prices([running(None)], NOW, QUARTER) == ""


def test_without_a_limit_any_price_will_do() -> None:
    assert stale_prices([running(OLD)], NOW, None) == ""


def test_no_price_is_not_a_stale_one() -> None:
    assert stale_price(None, NOW, QUARTER) == ""


def test_a_free_gpu_has_a_price_that_can_grow_stale_too() -> None:
    free = Price(capacity_type=CapacityType.RESERVED, usd_per_gpu_hour=Decimal(0), source="own", date=OLD)
    assert "USD 0.00" in stale_price(free, NOW, QUARTER)


def conditions(stated: date) -> dict[str, str]:
    where = pool("l40s", "nvidia-l40s-48gb", price=price("1.86", date=stated))
    status = pool_status(
        GPUPoolStatus(), where, detected=(), left_out=(), promised=0, generation=1, now=NOW, price_max_age=QUARTER
    )
    return {item.type: item.reason for item in status.conditions}


def test_the_pool_says_so_too_and_only_while_it_is_true() -> None:
    assert conditions(OLD)[ConditionType.PRICE_FRESH] == "PriceStale"
    assert ConditionType.PRICE_FRESH not in conditions(NEW)


def written(*entries: dict[str, Any]) -> date | None:
    spec = {
        "gpuType": "nvidia-l40s-48gb",
        "gpusPerNode": 4,
        "capacityType": "OnDemand",
        "nodeSelector": {"pool": "l40s"},
        "usdPerGPUHour": "1.86",
    }
    metadata = {"name": "l40s", "managedFields": list(entries)}
    kind = {"apiVersion": "inferfleet.dev/v1alpha1", "kind": "GPUPool"}
    return gpu_pool({**kind, "metadata": metadata, "spec": spec}).price_date


def test_the_price_of_a_pool_is_of_the_day_on_which_it_was_written() -> None:
    other = {"manager": "labels", "time": "2026-11-19T00:00:00Z", "fieldsV1": {"f:spec": {"f:region": {}}}}
    owner = {"manager": "kubectl", "time": "2026-11-02T08:00:00Z", "fieldsV1": {"f:spec": {"f:usdPerGPUHour": {}}}}
    assert (written(other, owner), written(other), written()) == (date(2026, 11, 2), None, None)
