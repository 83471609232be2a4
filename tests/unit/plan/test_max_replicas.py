"""scaling.maxReplicas below what the rate needs: what serves the rate comes first, else most requests per dollar."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from inferfleet.api.reasons import Reason
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.world import Pool
from inferfleet.plan import decide
from tests.builders import all_ready, demand, holding, placed, pool, price, world

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
A100 = pool("a100-od", "nvidia-a100-80gb", usd="3.43", nodes=4, gpus_per_node=8)
L4 = pool("l4-od", "nvidia-l4-24gb", usd="0.80", nodes=40, gpus_per_node=1)
MOVE_AT_ONCE = {"policy": "WhenCheaper", "cooldownSeconds": 0}


def asked(rate: str, most: int, **change: Any) -> Demand:
    placement = {"maxTensorParallelSize": 1, "rebalance": MOVE_AT_ONCE} | change
    relaxed = {"timePerOutputTokenMilliseconds": 120}
    return demand(
        traffic={"requestsPerSecond": rate}, objectives=relaxed, placement=placement, scaling={"maxReplicas": most}
    )


def one(what: Demand, *pools: Pool, held: Holding | None = None) -> Decision:
    (decision,) = decide(world(*pools, holdings=[held] if held else []), [what], now=NOW + timedelta(hours=2))
    return decision


def candidate(decision: Decision, where: str) -> Candidate:
    return next(item for item in decision.candidates if item.pool == where)


def test_what_serves_the_rate_comes_before_what_is_cheaper_and_does_not() -> None:
    decision = one(asked("15", 4), A100, L4)
    assert (placed(decision).pool, placed(decision).replicas) == ("a100-od", 3)


def test_the_cheaper_one_says_how_many_it_would_need() -> None:
    cheap = candidate(one(asked("15", 4), A100, L4), "l4-od")
    assert (cheap.reason, "allows 4 of the 24 replicas" in cheap.message) == (Reason.MORE_EXPENSIVE, True)


def test_where_none_serves_the_rate_the_most_requests_per_dollar_win() -> None:
    assert placed(one(asked("400", 4), A100, L4)).pool == "a100-od"
    free = replace(L4, price=price("0.10"))
    assert placed(one(asked("400", 4), A100, free)).pool == "l4-od"


def test_nothing_moves_to_what_cannot_serve_the_rate() -> None:
    what = asked("15", 4)
    first = one(what, A100)
    decision = one(what, A100, L4, held=holding(what, first, pods=all_ready(first)))
    assert placed(decision).pool == "a100-od"
    assert candidate(decision, "l4-od").reason is Reason.MOVE_NOT_WORTH_IT


def test_two_kinds_that_serve_the_rate_come_before_one_that_does_not() -> None:
    alone = replace(A100, nodes=A100.nodes[:1], max_nodes=1)
    alone = replace(alone, nodes=(replace(alone.nodes[0], gpus=1, free=1),))
    decision = one(asked("8", 3, mixedGPUTypes="Allowed"), alone, L4)
    assert sorted(item.pool for item in decision.placements) == ["a100-od", "l4-od"]
