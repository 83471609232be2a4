"""Fewer replicas: what the plan wants waits, what a person orders does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand
from inferfleet.domain.history import History
from inferfleet.plan import decide
from tests.builders import all_ready, demand, holding, placed, pool, world

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
L40S = pool("l40s-od", "nvidia-l40s-48gb", nodes=10, usd="1.86")
BUSY, CALM = {"requestsPerSecond": "40"}, {"requestsPerSecond": "10"}


def after(first: Demand, second: Demand, *, minutes: float = 0, history: History | None = None) -> Decision:
    """Decide for the first demand, then for the second some minutes later on what the first one holds."""
    (before,) = decide(world(L40S), [first], now=NOW)
    held = holding(first, before, pods=all_ready(before))
    held = held if history is None else replace(held, history=history)
    (decision,) = decide(world(L40S, holdings=[held]), [second], now=NOW + timedelta(minutes=minutes))
    return decision


def count(what: Demand) -> int:
    (decision,) = decide(world(L40S), [what], now=NOW)
    return placed(decision).replicas


def asked(traffic: dict[str, Any], **change: Any) -> Demand:
    return demand(traffic=traffic, **change)


def test_fewer_replicas_are_recommended_at_once_and_run_later() -> None:
    decision = after(asked(BUSY), asked(CALM))
    assert (placed(decision).replicas, decision.recommended_replicas) == (count(asked(BUSY)), count(asked(CALM)))


def test_the_wait_says_when_it_ends() -> None:
    decision = after(asked(BUSY), asked(CALM))
    assert (decision.history.fewer_since, decision.revisit_at) == (NOW, NOW + timedelta(minutes=30))
    assert "stay until 12:30 UTC" in decision.message


def test_after_half_an_hour_they_leave() -> None:
    decision = after(asked(BUSY), asked(CALM), minutes=30, history=History(fewer_since=NOW))
    assert placed(decision).replicas == count(asked(CALM))


def test_not_a_minute_sooner() -> None:
    decision = after(asked(BUSY), asked(CALM), minutes=29, history=History(fewer_since=NOW))
    assert placed(decision).replicas == count(asked(BUSY))


def test_a_rate_that_comes_back_starts_the_wait_anew() -> None:
    decision = after(asked(BUSY), asked(BUSY), minutes=20, history=History(fewer_since=NOW))
    assert decision.history.fewer_since is None


def test_more_replicas_come_at_once() -> None:
    assert placed(after(asked(CALM), asked(BUSY))).replicas == count(asked(BUSY))


def test_a_change_below_ten_per_cent_is_not_made() -> None:
    each = 40 / count(asked(BUSY))
    many = {"requestsPerSecond": f"{12 * each:.1f}"}
    fewer = {"requestsPerSecond": f"{11 * each:.1f}"}
    decision = after(asked(many), asked(fewer), minutes=60, history=History(fewer_since=NOW))
    assert count(asked(many)) - count(asked(fewer)) == 1
    assert placed(decision).replicas == count(asked(many))


def test_a_count_that_a_person_or_a_scaler_owns_acts_at_once() -> None:
    assert placed(after(asked(BUSY), asked(BUSY, replicas=1))).replicas == 1


def test_a_lower_maximum_acts_at_once() -> None:
    assert placed(after(asked(BUSY), asked(BUSY, scaling={"maxReplicas": 1}))).replicas == 1


def test_without_a_clock_nothing_waits() -> None:
    (before,) = decide(world(L40S), [asked(BUSY)])
    (decision,) = decide(world(L40S, holdings=[holding(asked(BUSY), before)]), [asked(CALM)])
    assert placed(decision).replicas == count(asked(CALM))
