"""Pick one option and write the record: every candidate with verdict, reason and numbers, the chosen one first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from inferfleet.api.reasons import READY_REASON, ReadyReason, Reason, Verdict
from inferfleet.domain.decision import Record
from inferfleet.domain.money import HOURS_PER_MONTH, usd_text
from inferfleet.domain.placement import Candidate
from inferfleet.plan.eligible import Refusal
from inferfleet.plan.options import Option


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The chosen option (None: nothing can run) and the record of all."""

    option: Option | None
    candidates: Record


def choose(options: tuple[Option, ...]) -> Choice:
    """Keep what runs if it may stay, else take the cheapest; a probe only when nothing surer exists.

    Options come cheapest first.
    """
    feasible = [option for option in options if option.refusal is None and not option.assessment.probe]
    if not feasible:
        feasible = [option for option in options if option.refusal is None]
    chosen = next((option for option in feasible if option.held), feasible[0] if feasible else None)
    return Choice(option=chosen, candidates=Record(lambda: _record(options, feasible, chosen)))


def obstacle(candidates: Sequence[Candidate]) -> tuple[ReadyReason, str]:
    """Say why nothing is left: the reason of the candidate that got furthest, and how the others fared."""
    if not candidates:
        return ReadyReason.NO_MATCHING_POOL, "there is no GPUPool: describe at least one node pool"
    nearest = max(candidates, key=lambda candidate: (candidate.reason.progress, _nearness(candidate)))
    counted = Counter(candidate.reason for candidate in candidates)
    others = ", ".join(
        f"{count} {reason}" for reason, count in sorted(counted.items(), key=lambda item: -item[0].progress)
    )
    return READY_REASON[nearest.reason], f"{nearest.message} [candidates: {others}]"


def _nearness(candidate: Candidate) -> float:
    if candidate.usd_per_hour is not None:
        return -float(candidate.usd_per_hour)
    return candidate.memory.margin_gib if candidate.memory else 0.0


def _record(ordered: tuple[Option, ...], feasible: list[Option], chosen: Option | None) -> tuple[Candidate, ...]:
    record = []
    able = {id(option) for option in feasible}
    for option in ordered:
        if option is chosen:
            verdict, reason, message = Verdict.CHOSEN, _why_chosen(option, feasible), praise(option)
        elif option.refusal is not None:
            verdict, reason, message = Verdict.REJECTED, option.refusal.reason, option.refusal.message
        elif id(option) in able:
            assert chosen is not None
            verdict, (reason, message) = Verdict.FEASIBLE, _why_not(option, chosen)
        else:
            close = _too_close(option)
            verdict, reason, message = Verdict.REJECTED, close.reason, close.message
        record.append(_candidate(option, verdict, reason, message))
    return tuple(sorted(record, key=_rank))


def _rank(candidate: Candidate) -> tuple[int, int]:
    """Chosen, feasible, then rejected by how far they got; the sort is stable, so cost orders within."""
    standing = (Verdict.CHOSEN, Verdict.FEASIBLE, Verdict.REJECTED).index(candidate.verdict)
    return (standing, -candidate.reason.progress if candidate.verdict is Verdict.REJECTED else 0)


def _why_chosen(option: Option, feasible: list[Option]) -> Reason:
    if option.held:
        return Reason.KEPT
    return Reason.ONLY_OPTION if len(feasible) == 1 else Reason.CHEAPEST


def _why_not(option: Option, chosen: Option) -> tuple[Reason, str]:
    difference = option.comparable - chosen.comparable
    unit = "in total" if option.usd_total is not None else "per month"
    if difference < 0:
        return (
            Reason.MOVE_NOT_WORTH_IT,
            f"USD {usd_text(-difference)} {unit} cheaper; running work stays",
        )
    if difference == 0:
        return Reason.MORE_EXPENSIVE, "costs the same; fewer GPUs, then speed, then the name decided"
    return Reason.MORE_EXPENSIVE, f"USD {usd_text(difference)} {unit} more than the chosen one"


def _too_close(option: Option) -> Refusal:
    estimate = option.assessment.memory
    assert estimate is not None
    return Refusal(
        Reason.TOO_CLOSE,
        f"margin {estimate.margin_gib:+.2f} GiB per GPU is within the error of the estimate, {estimate.band_gib:.2f}",
    )


def praise(option: Option) -> str:
    """Say what was chosen, with its numbers."""
    assessment = option.assessment
    speed, estimate = assessment.speed, assessment.memory
    assert speed is not None
    assert estimate is not None
    size = assessment.tensor_parallel_size
    total = option.usd_total
    hourly = option.usd_per_hour
    cost = (
        f"USD {usd_text(total)} in total over {assessment.hours:.1f} h"
        if total is not None
        else f"USD {usd_text(hourly * HOURS_PER_MONTH)} per month"
        if hourly is not None
        else "at a price that is no longer stated"
    )
    probe = "; a probe: the margin is within the error of the estimate" if assessment.probe else ""
    return (
        f"{option.replicas} x {size} {assessment.gpu_type} in pool {assessment.pool}: "
        f"{speed.requests_per_second:.2f} requests/s per replica at {speed.time_per_output_token_ms:.0f} ms per output "
        f"token, {estimate.kv_cache_gib:.1f} GiB of KV cache per GPU, {cost}{probe}"
    )


def _candidate(option: Option, verdict: Verdict, reason: Reason, message: str) -> Candidate:
    assessment = option.assessment
    return Candidate(
        pool=assessment.pool,
        gpu_type=assessment.gpu_type,
        capacity_type=assessment.capacity_type,
        tensor_parallel_size=assessment.tensor_parallel_size,
        verdict=verdict,
        reason=reason,
        message=message,
        engine=assessment.engine,
        memory=assessment.memory,
        speed=assessment.speed,
        replicas=option.replicas if option.recommended else None,
        usd_per_hour=option.usd_per_hour if option.recommended else None,
        usd_total=option.usd_total if option.recommended else None,
        hours=assessment.hours,
    )
