"""How a plan reads, word for word: a decision whose numbers are fixed here, so that no model moves the text."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from rich.console import Console

from inferfleet.api.enums import CapacityType, Confidence
from inferfleet.api.reasons import ReadyReason, Reason, Verdict
from inferfleet.cli.plan_view import table_of, values_of
from inferfleet.cli.planning import Plan
from inferfleet.domain.decision import BudgetVerdict, Decision
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import Fit, MemoryEstimate
from inferfleet.domain.placement import Candidate, Placement
from inferfleet.domain.speed import Speed, SpeedLimit
from tests.builders import demand

ENGINE = EngineSettings(
    version="0.32.0",
    tensor_parallel_size=1,
    max_model_len=8192,
    max_num_seqs=256,
    max_num_batched_tokens=2048,
    gpu_memory_utilization=0.9,
)
MEMORY = MemoryEstimate(
    weights_gib=15.0,
    activation_gib=0.5,
    non_torch_gib=0.25,
    cuda_graph_gib=0.25,
    usable_gib=44.0,
    utilization=0.9,
    kv_cache_gib=23.6,
    kv_cache_tokens=190_000,
    max_concurrency=23.6,
    required_kv_gib=1.0,
    margin_gib=22.6,
    band_gib=1.0,
    longest_context=131_072,
    fit=Fit.FITS,
    binding=None,
    confidence=Confidence.ESTIMATED,
)
SPEED = Speed(
    requests_per_second=4.5,
    concurrency=60.0,
    time_per_output_token_ms=50.0,
    best_time_per_output_token_ms=20.0,
    prefill_ms=80.0,
    prefill_utilization=0.3,
    output_tokens_per_second=1350.0,
    limit=SpeedLimit.TIME_PER_OUTPUT_TOKEN,
    confidence=Confidence.ESTIMATED,
)
CHOSEN = Candidate(
    pool="l40s-od",
    gpu_type="nvidia-l40s-48gb",
    capacity_type=CapacityType.ON_DEMAND,
    tensor_parallel_size=1,
    verdict=Verdict.CHOSEN,
    reason=Reason.CHEAPEST,
    message="2 x 1 nvidia-l40s-48gb in pool l40s-od",
    engine=ENGINE,
    memory=MEMORY,
    speed=SPEED,
    replicas=2,
    usd_per_hour=Decimal("3.20"),
)
REJECTED = Candidate(
    pool="t4",
    gpu_type="nvidia-t4-16gb",
    capacity_type=CapacityType.SPOT,
    tensor_parallel_size=1,
    verdict=Verdict.REJECTED,
    reason=Reason.CAPACITY_TYPE_NOT_ALLOWED,
    message="spot",
)
SERVED = Decision(
    uid="1",
    namespace="team-a",
    name="chat",
    placements=(
        Placement(
            name="chat",
            pool="l40s-od",
            gpu_type="nvidia-l40s-48gb",
            capacity_type=CapacityType.ON_DEMAND,
            tensor_parallel_size=1,
            replicas=2,
            engine=ENGINE,
            usd_per_gpu_hour=Decimal("1.60"),
            price_source="pool l40s-od",
            price_date=date(2026, 11, 1),
        ),
    ),
    candidates=(CHOSEN, REJECTED),
    blocked=None,
    message=CHOSEN.message,
    budget=BudgetVerdict(
        within=True,
        reason="Reserved",
        message="2336.00 USD per month reserved from team-a",
        reservations=(("team-a", Decimal(2336)),),
    ),
    recommended_replicas=2,
)
ASKED = demand(traffic={"requestsPerSecond": "4", "requestsPerMonth": 2_000_000})
DEPLOYMENT = {"kind": "Deployment", "metadata": {"name": "chat"}}


def shown(*plans: Plan) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=200, highlight=False).print(table_of(plans))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_a_served_deployment_reads_as_a_story() -> None:
    assert shown(Plan(demand=ASKED, decision=SERVED, manifests=(DEPLOYMENT,))) == [
        "team-a/chat  Decided  2 x 1 nvidia-l40s-48gb in pool l40s-od",
        "  asks      meta-llama/Llama-3.1-8B-Instruct, 4 requests/s of 800 + 300 tokens,"
        " at most 50 ms per output token",
        "  costs     USD 3.20 per hour, 2336.00 per month, 1.06 per million tokens (pool l40s-od, dated 2026-11-01)",
        "  budget    2336.00 USD per month reserved from team-a",
        "  creates   Deployment chat",
        "verdict   reason                  GPU               TP  pool     capacity  replicas  GiB needed  usable"
        "  requests/s  ms/token  USD/month  message",
        "Chosen    Cheapest                nvidia-l40s-48gb   1  l40s-od  OnDemand         2        17.0    44.0"
        "        4.50      50.0    2336.00  as above",
        f"Rejected  CapacityTypeNotAllowed  nvidia-t4-16gb     1  t4       Spot{' ' * 69}spot",
        "",
        "1 of 1 can be served; real-time work costs USD 2336.00 per month",
    ]


def refused(reason: ReadyReason, message: str) -> Plan:
    decision = replace(
        SERVED,
        placements=(),
        candidates=(REJECTED,),
        blocked=reason,
        message=message,
        budget=BudgetVerdict(within=True, reason="NotDecided", message="nothing to pay for yet"),
    )
    return Plan(demand=ASKED, decision=decision, manifests=())


def test_a_refused_deployment_ends_with_the_next_step() -> None:
    lines = shown(refused(ReadyReason.NO_PRICE, "no price"))
    assert lines[0] == "team-a/chat  NoPrice  no price"
    assert "  next      set spec.usdPerGPUHour on the pool, or a price on the GPUType" in lines
    assert lines[-1] == "0 of 1 can be served; real-time work costs USD 0.00 per month"


@pytest.mark.parametrize("reason", [
    ReadyReason.INVALID_SPEC, ReadyReason.MODEL_UNKNOWN, ReadyReason.NO_MATCHING_POOL, ReadyReason.MODEL_DOES_NOT_FIT,
    ReadyReason.OBJECTIVES_NOT_MET, ReadyReason.NO_CAPACITY, ReadyReason.NO_PRICE, ReadyReason.OVER_BUDGET,
    ReadyReason.BUDGET_UNREADABLE,
])  # fmt: skip
def test_every_refusal_of_a_decision_has_a_next_step(reason: ReadyReason) -> None:
    assert any(line.startswith("  next ") for line in shown(refused(reason, "why")))


def test_a_refusal_about_money_is_told_once() -> None:
    plan = refused(ReadyReason.OVER_BUDGET, "too dear")
    told = replace(plan.decision, budget=BudgetVerdict(within=False, reason="OverBudget", message="too dear"))
    assert not any(line.startswith("  budget") for line in shown(replace(plan, decision=told)))


def test_values_have_the_speed_that_the_table_shows() -> None:
    found = values_of(Plan(demand=ASKED, decision=SERVED, manifests=()))
    assert isinstance(found["decision"], dict)
    first, second = found["decision"]["candidates"]
    assert (first["requestsPerSecond"], first["usdPerMonth"], second["requestsPerSecond"]) == (4.5, "2336.00", None)


def test_what_cannot_be_rendered_is_not_ready() -> None:
    found = values_of(Plan(demand=ASKED, decision=SERVED, manifests=(), unrenderable="pool l40s-od: no selector"))
    assert (found["ready"], found["reason"], found["message"]) == (False, "InvalidSpec", "pool l40s-od: no selector")
