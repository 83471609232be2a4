"""A decision in the shape of `status`; the one place where its numbers are rounded.

In: a `Decision` with its spec. Out: the parts of `InferenceDeploymentStatus` that follow from the decision alone; the
operator adds what it observed, the command line prints them as they are. Must not look at a cluster or a clock.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from inferfleet.api.enums import Confidence
from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.api.v1alpha1.inference_deployment_status import (
    BackOffStatus,
    BudgetShare,
    CandidateStatus,
    CostStatus,
    HistoryStatus,
    MeasuredMemory,
    MemoryStatus,
    PlacementStatus,
    PlacementSummary,
)
from inferfleet.budget import unit_cost
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.decision import Decision
from inferfleet.domain.history import NO_HISTORY
from inferfleet.domain.memory import MemoryEstimate
from inferfleet.domain.wording import in_cents, rate_text, unit_price

# What `status.decision.candidates` may hold (api.md, section 1).
MOST_CANDIDATES = 32
MOST_BACK_OFFS = 64


def placement_summary(decision: Decision) -> PlacementSummary | None:
    """Return the largest placement, the first of equally large ones; None when nothing shall run."""
    largest = decision.largest
    if largest is None:
        return None
    return PlacementSummary(
        gpu_type=largest.gpu_type,
        tensor_parallel_size=largest.tensor_parallel_size,
        pool=largest.pool,
        capacity_type=largest.capacity_type,
        replicas=largest.replicas,
    )


def placement_rows(decision: Decision, ready: Mapping[str, int] | None = None) -> tuple[PlacementStatus, ...]:
    """Return every placement; `ready` counts the ready replicas by placement name."""
    return tuple(
        PlacementStatus(
            name=placement.name,
            gpu_type=placement.gpu_type,
            tensor_parallel_size=placement.tensor_parallel_size,
            pool=placement.pool,
            capacity_type=placement.capacity_type,
            replicas=placement.replicas,
            ready_replicas=(ready or {}).get(placement.name, 0),
            role=placement.role,
        )
        for placement in decision.placements
    )


def cost_status(decision: Decision, spec: InferenceDeploymentSpec) -> CostStatus | None:
    """Return what the placements cost; None when nothing shall run."""
    largest = decision.largest
    if largest is None:
        return None
    chosen = decision.chosen
    total, run_rate = chosen.total if chosen else None, decision.run_rate
    unit = unit_cost(spec, run_rate, total)
    return CostStatus(
        usd_per_hour=Decimal(rate_text(run_rate.usd_per_hour)),
        usd_per_month=in_cents(run_rate.month.usd),
        usd_total=None if total is None else in_cents(total.usd),
        usd_per_million_tokens=None if unit is None else unit_price(unit.usd_per_million_tokens),
        price_source=largest.price.source[:256],
        price_date=largest.price.date,
    )


def memory_status(estimate: MemoryEstimate, measured: Calibration | None = None) -> MemoryStatus:
    """Return the memory terms with two decimals, as vLLM prints them, beside what an engine measured."""
    known = measured is not None and measured.kv_cache_gib is not None
    return MemoryStatus(
        weights_gib=_gib(estimate.weights_gib),
        activation_gib=_gib(estimate.activation_gib),
        non_torch_gib=_gib(estimate.non_torch_gib),
        cuda_graph_gib=_gib(estimate.cuda_graph_gib),
        kv_cache_gib=_gib(estimate.kv_cache_gib),
        kv_cache_tokens=max(0, estimate.kv_cache_tokens),
        max_concurrency=Decimal(f"{estimate.max_concurrency:.1f}"),
        usable_gib=_gib(estimate.usable_gib),
        utilization=_gib(estimate.utilization),
        margin_gib=_gib(estimate.margin_gib),
        confidence=Confidence.MEASURED if known else estimate.confidence,
        measured=None if measured is None else _measured(measured),
    )


def chosen_memory(decision: Decision) -> MemoryStatus | None:
    """Return the memory of the chosen candidate; None without one."""
    chosen = decision.chosen
    return memory_status(chosen.memory) if chosen and chosen.memory else None


def history_status(decision: Decision) -> HistoryStatus | None:
    """Return what later decisions have to know, with times in whole seconds; None when there is nothing."""
    history = decision.history
    if history == NO_HISTORY:
        return None
    return HistoryStatus(
        moved_at=_second(history.moved_at),
        fewer_replicas_since=_second(history.fewer_since),
        back_offs=tuple(
            BackOffStatus(pool=item.pool, until=item.until.replace(microsecond=0), failures=item.failures)
            for item in history.back_offs[:MOST_BACK_OFFS]
        ),
    )


def _second(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(microsecond=0)


def candidate_rows(decision: Decision, *, most: int | None = None) -> tuple[CandidateStatus, ...]:
    """Return the candidates in their order, all or at most `most` of them."""
    return tuple(_candidate(candidate) for candidate in decision.candidates[:most])


def budget_shares(decision: Decision) -> tuple[BudgetShare, ...]:
    """Return what is reserved for this deployment in each matching policy."""
    return tuple(
        BudgetShare(policy=policy, reserved_usd_per_month=in_cents(decision.budget.reserved.month.usd))
        for policy in decision.budget.policies
    )


def _candidate(candidate: Candidate) -> CandidateStatus:
    memory, cost = candidate.memory, candidate.cost
    return CandidateStatus(
        gpu_type=candidate.gpu_type,
        tensor_parallel_size=candidate.tensor_parallel_size,
        pool=candidate.pool,
        capacity_type=candidate.capacity_type,
        verdict=candidate.verdict,
        reason=candidate.reason,
        message=candidate.message,
        required_gib=_gib(memory.required_gib) if memory else None,
        usable_gib=_gib(memory.usable_gib) if memory else None,
        replicas=candidate.replicas if candidate.count.recommended else None,
        usd_per_month=None if cost is None else in_cents(cost.run_rate.month.usd),
    )


def _measured(calibration: Calibration) -> MeasuredMemory | None:
    terms = {
        "weights_gib": calibration.weights_gib,
        "activation_gib": calibration.activation_gib,
        "non_torch_gib": calibration.non_torch_gib,
        "cuda_graph_gib": calibration.cuda_graph_gib,
        "kv_cache_gib": calibration.kv_cache_gib,
        "usable_gib": calibration.usable_gib,
    }
    seen = {name: _gib(value) for name, value in terms.items() if value is not None}
    if not seen:
        return None
    return MeasuredMemory(
        **seen,
        kv_cache_tokens=calibration.kv_cache_tokens,
        learned_at=datetime.fromisoformat(calibration.learned_at) if calibration.learned_at else None,
        source=calibration.source[:256],
    )


def _gib(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")
