"""The deadline of a batch counts from its creation, whatever it waited for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from inferfleet.api.enums import CapacityType
from inferfleet.api.reasons import ReadyReason, Reason
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.money import Total
from inferfleet.domain.wording import duration_text
from inferfleet.domain.world import Pool
from inferfleet.plan import decide
from tests.builders import BATCH, demand, holding, placed, policy, pool, world

CREATED = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DEADLINE = timedelta(seconds=28_800)
SPOT = pool("l40s-spot", "nvidia-l40s-48gb", usd="0.95", capacity_type=CapacityType.SPOT)
FULL = replace(SPOT, nodes=(), max_nodes=0)


def batch(**change: Any) -> Demand:
    return replace(demand(base=BATCH, **change), created=CREATED)


def after(passed: timedelta, *pools: Pool, of: Demand | None = None, held: Holding | None = None) -> Decision:
    where = world(*(pools or (SPOT,)), holdings=[held] if held else [])
    (decision,) = decide(where, [of or batch()], now=CREATED + passed)
    return decision


def test_a_batch_that_was_never_started_is_refused_after_its_deadline() -> None:
    decision = after(DEADLINE)
    assert (decision.blocked, decision.placements) == (ReadyReason.DEADLINE_EXCEEDED, ())
    assert "28800" in decision.message
    assert "2026-11-20 20:00:00" in decision.message


def test_a_batch_that_was_started_is_left_to_its_job() -> None:
    started = after(timedelta(0))
    assert after(DEADLINE, held=holding(batch(), started)).blocked is None


def test_a_batch_that_waits_is_looked_at_when_its_deadline_passes() -> None:
    decision = after(timedelta(hours=7), FULL, of=batch(placement={"spotPolicy": "Required"}))
    assert decision.blocked is ReadyReason.NO_CAPACITY
    assert decision.revisit_at == CREATED + DEADLINE


def test_a_batch_that_waits_for_spot_is_looked_at_when_its_deadline_is_at_risk() -> None:
    decision = after(timedelta(0), FULL)
    assert decision.revisit_at is not None
    assert CREATED < decision.revisit_at < CREATED + DEADLINE
    on_demand = pool("l40s-od", "nvidia-l40s-48gb", usd="1.86")
    later = after(decision.revisit_at - CREATED, FULL, on_demand)
    assert placed(later).pool == "l40s-od"


def test_without_a_line_count_the_whole_deadline_is_reserved() -> None:
    decision = after(timedelta(0), of=batch(batch={"requests": None}))
    assert decision.chosen is not None
    assert decision.chosen.total == Total(Decimal("0.95") * 8)


def test_without_a_line_count_a_budget_below_the_whole_deadline_refuses() -> None:
    where = world(SPOT, policies=[policy(usd="7.59")])
    (decision,) = decide(where, [batch(batch={"requests": None})], now=CREATED)
    assert decision.blocked is ReadyReason.OVER_BUDGET


ON_DEMAND = pool("l40s-od", "nvidia-l40s-48gb", usd="1.86")
SLOW = pool("l4-od", "nvidia-l4-24gb", usd="0.80")


def test_what_is_not_spot_says_so_whether_or_not_it_would_be_fast_enough() -> None:
    short = batch(batch={"deadlineSeconds": 18_000}, placement={"maxTensorParallelSize": 1})
    alone, beside = after(timedelta(0), SLOW, of=short), after(timedelta(0), SPOT, ON_DEMAND, SLOW, of=short)
    reasons = {item.pool: item.reason for item in beside.candidates if item.tensor_parallel_size == 1}
    assert alone.candidates[0].reason is Reason.TOO_SLOW
    assert (reasons["l40s-od"], reasons["l4-od"]) == (Reason.CAPACITY_TYPE_NOT_ALLOWED,) * 2


def test_a_deadline_that_none_meets_names_the_fastest_candidate() -> None:
    short = batch(batch={"deadlineSeconds": 60}, placement={"maxTensorParallelSize": 1})
    decision = after(timedelta(0), ON_DEMAND, SLOW, of=short)
    fastest = min(item.hours for item in decision.candidates if item.hours is not None)
    assert f"one shard takes {fastest:.1f} h; 80% of spec.batch.deadlineSeconds 60 is 48 s" in decision.message


@pytest.mark.parametrize(("hours", "words"), [(0.01, "36 s"), (0.2, "12 min"), (1.84, "1.8 h")])
def test_a_duration_is_written_in_the_unit_that_shows_it(hours: float, words: str) -> None:
    assert duration_text(hours) == words
