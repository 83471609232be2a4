"""A plan as values, in the keys of `status`, and as a story with a table of every candidate.

In: plans. Out: plain values (money as decimal strings, as status shows it) and rich renderables. Nothing is decided and
no number is made here: they come from the decision by way of `report.decision_view`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from inferfleet.api.reasons import Verdict
from inferfleet.budget import unit_cost
from inferfleet.cli.next_step import NEXT_STEP
from inferfleet.cli.planning import Plan
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.money import RunRate, Total
from inferfleet.domain.wording import duration_text, usd_text
from inferfleet.report.decision_view import (
    budget_shares,
    candidate_rows,
    chosen_memory,
    cost_status,
    placement_rows,
    placement_summary,
)

DIGITS = 4
STYLES = {Verdict.CHOSEN: "green", Verdict.FEASIBLE: "", Verdict.REJECTED: "dim"}


def values_of(plan: Plan, *, ready: Mapping[str, int] | None = None) -> dict[str, object]:
    """Return a plan for JSON and YAML: the keys of `status`, every candidate, and the manifests.

    `ready` counts the ready replicas of what runs by placement name; offline nothing runs.
    """
    decision = plan.decision
    rows = zip(candidate_rows(decision), decision.candidates, strict=True)
    return {
        "namespace": decision.namespace,
        "name": decision.name,
        "ready": plan.ready,
        "reason": plan.reason,
        "message": plan.message,
        "recommendedReplicas": decision.recommended_replicas,
        "placement": _dumped(placement_summary(decision)),
        "placements": [_dumped(row) for row in placement_rows(decision, ready)],
        "cost": _dumped(cost_status(decision, plan.demand.spec)),
        "memory": _dumped(chosen_memory(decision)),
        "decision": {"candidates": [{**_filled(row), **_speed(candidate)} for row, candidate in rows]},
        "budgets": [_dumped(share) for share in budget_shares(decision)],
        "manifests": list(plan.manifests),
    }


def _dumped(part: BaseModel | None) -> dict[str, Any] | None:
    return None if part is None else _filled(part)


def _filled(part: BaseModel) -> dict[str, Any]:
    """Write every key, null where there is no value, so that readers need not ask whether a key exists."""
    return part.model_dump(mode="json", by_alias=True)


def _speed(candidate: Candidate) -> dict[str, object]:
    """Add what the table shows and status does not keep: the speed of one replica and a batch's total."""
    speed, total = candidate.speed, candidate.total
    return {
        "requestsPerSecond": round(speed.requests_per_second, DIGITS) if speed else None,
        "timePerOutputTokenMilliseconds": round(speed.time_per_output_token_ms, DIGITS) if speed else None,
        "usdTotal": None if total is None else usd_text(total.usd),
    }


def table_of(plans: Sequence[Plan]) -> RenderableType:
    """Return what a person reads: per deployment a summary and the candidates, then the total."""
    parts: list[RenderableType] = [part for plan in plans for part in (story_of(plan), Text())]
    monthly = RunRate.sum(plan.decision.run_rate for plan in plans if not plan.demand.spec.is_batch).month.usd
    totals = Total.sum(plan.decision.chosen.total or Total() for plan in plans if plan.decision.chosen)
    once = f", batches USD {usd_text(totals.usd)} in total" if totals else ""
    ready = sum(plan.ready for plan in plans)
    costs = f"real-time work costs USD {usd_text(monthly)} per month{once}"
    parts.append(Text(f"{ready} of {len(plans)} can be served; {costs}"))
    return Group(*parts)


def story_of(plan: Plan) -> RenderableType:
    """Return one deployment: what it asks for, what was decided, what it costs, and every candidate."""
    parts: list[RenderableType] = [_headline(plan), *_summary(plan)]
    if plan.decision.candidates:
        parts.append(candidate_table(plan.decision.candidates, told=plan.message))
    return Group(*parts)


def _headline(plan: Plan) -> Text:
    style = "bold green" if plan.ready else "bold red"
    return Text.assemble(
        (f"{plan.decision.namespace}/{plan.decision.name}", "bold"), "  ", (plan.reason, style), f"  {plan.message}"
    )


def _summary(plan: Plan) -> list[Text]:
    lines = [f"  asks      {_asked(plan)}"]
    cost = cost_status(plan.decision, plan.demand.spec)
    if cost is not None:
        amount = f"USD {cost.usd_per_hour} per hour while it runs"
        if cost.usd_total is None:
            amount = f"USD {cost.usd_per_hour} per hour, {cost.usd_per_month} per month"
        else:
            amount += f", {cost.usd_total} in total"
        tokens = "" if cost.usd_per_million_tokens is None else f", {cost.usd_per_million_tokens} per million tokens"
        dated = f", dated {cost.price_date}" if cost.price_date else ""
        lines.append(f"  costs     {amount}{tokens}{_assumed_volume(plan)} ({cost.price_source}{dated})")
    if plan.decision.budget.message != plan.message:
        lines.append(f"  budget    {plan.decision.budget.message}")
    if plan.decision.replicas_clamped:
        lines.append(f"  replicas  {plan.decision.replicas_clamped}")
    lines += [f"  creates   {kind}" for kind in _created(plan)]
    if not plan.ready and plan.reason in NEXT_STEP:
        lines.append(f"  next      {NEXT_STEP[plan.reason]}")
    return [Text(line) for line in lines]


def _asked(plan: Plan) -> str:
    spec, model = plan.demand.spec, plan.demand.model
    if spec.traffic is not None:
        traffic, target = spec.traffic, spec.objectives
        return (
            f"{model.id}, {traffic.requests_per_second} requests/s of {traffic.input_tokens} + {traffic.output_tokens} "
            f"tokens, at most {target.time_per_output_token_milliseconds} ms per output token"
            + (
                f" and {target.time_to_first_token_milliseconds} ms to the first (NotVerified: only engines can tell)"
                if target.time_to_first_token_milliseconds
                else ""
            )
        )
    batch = spec.batch
    lines = f"{batch.requests} requests" if batch and batch.requests else "an uncounted input"
    deadline = f" within {duration_text(batch.deadline_seconds / 3600)}" if batch and batch.deadline_seconds else ""
    return f"{model.id}, a batch of {lines}{deadline}"


def _assumed_volume(plan: Plan) -> str:
    unit = unit_cost(plan.demand.spec, plan.decision.run_rate)
    return " if the peak lasted all month" if unit is not None and unit.at_peak else ""


def _created(plan: Plan) -> list[str]:
    names = [f"{manifest['kind']} {manifest['metadata']['name']}" for manifest in plan.manifests]
    return [", ".join(names)] if names else []


def candidate_table(candidates: Sequence[Candidate], *, told: str = "") -> Table:
    """Return every candidate with its verdict, reason and numbers, in the order of the decision.

    A message that was `told` already is left out.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for name in ("verdict", "reason", "GPU", "TP", "pool", "capacity"):
        table.add_column(name, no_wrap=True, justify="right" if name == "TP" else "left")
    for name in ("replicas", "GiB needed", "usable", "requests/s", "ms/token", "USD/month"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("message", ratio=1, min_width=30)
    for candidate in candidates:
        message = "as above" if candidate.message == told else candidate.message
        table.add_row(*_cells(candidate), message, style=STYLES[candidate.verdict])
    return table


def _cells(candidate: Candidate) -> list[str]:
    memory, speed, cost = candidate.memory, candidate.speed, candidate.cost
    monthly = "" if cost is None else usd_text(cost.run_rate.month.usd)
    total = "" if candidate.total is None else f"{usd_text(candidate.total.usd)} total"
    return [
        candidate.verdict.value,
        candidate.reason.value,
        candidate.gpu_type,
        str(candidate.tensor_parallel_size),
        candidate.pool,
        candidate.capacity_type.value,
        str(candidate.replicas) if candidate.count.recommended else "",
        f"{memory.required_gib:.1f}" if memory else "",
        f"{memory.usable_gib:.1f}" if memory else "",
        f"{speed.requests_per_second:.2f}" if speed else "",
        f"{speed.time_per_output_token_ms:.1f}" if speed else "",
        total or monthly,
    ]
