"""Write the record of a choice: every candidate with verdict, reason and numbers, what was chosen first."""

from collections import Counter
from collections.abc import Callable, Sequence

from inferfleet.api.reasons import READY_REASON, ReadyReason, Reason, Verdict
from inferfleet.domain.decision import Record
from inferfleet.domain.money import HOURS_PER_MONTH
from inferfleet.domain.placement import Candidate
from inferfleet.domain.wording import usd_text
from inferfleet.plan.candidates.assess import HEADROOM
from inferfleet.plan.candidates.filters import Refusal
from inferfleet.plan.candidates.quote import Option
from inferfleet.plan.choice.allocation import Allocation

WhyStay = Callable[[Option], str]
"""Why something cheaper than what runs is not moved to."""


def feasible(options: tuple[Option, ...]) -> list[Option]:
    """Return what could run now, in the given order; probes only when nothing surer exists."""
    sure = [option for option in options if option.refusal is None and not option.assessment.probe]
    return sure or [option for option in options if option.refusal is None]


def recorded(
    options: tuple[Option, ...], able: list[Option], allocation: Allocation | None, why_stay: WhyStay | None = None
) -> Record:
    """Return the record of all options, which is worded only when it is read."""
    return Record(lambda: _record(options, able, allocation, why_stay or _no_move))


def _no_move(_option: Option) -> str:
    return "running work stays"


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
    """How near it came beside others of its reason: the fastest batch, else the least cost, else the most memory."""
    if candidate.reason is Reason.TOO_SLOW and candidate.hours is not None:
        return -candidate.hours
    if candidate.usd_per_hour is not None:
        return -float(candidate.usd_per_hour)
    return candidate.memory.margin_gib if candidate.memory else 0.0


def _record(
    ordered: tuple[Option, ...], able: list[Option], allocation: Allocation | None, why_stay: WhyStay
) -> tuple[Candidate, ...]:
    parts = {_key(part): part for part in allocation.parts} if allocation else {}
    identities, record = {id(option) for option in able}, []
    for option in ordered:
        part = parts.get(_key(option))
        if part is not None:
            record.append(_candidate(part, Verdict.CHOSEN, _why_chosen(part, able), praise(part)))
            continue
        if option.refusal is not None:
            verdict, reason, message = Verdict.REJECTED, option.refusal.reason, option.refusal.message
        elif id(option) in identities:
            assert allocation is not None
            verdict, (reason, message) = Verdict.FEASIBLE, _why_not(option, allocation, why_stay)
        else:
            close = _too_close(option)
            verdict, reason, message = Verdict.REJECTED, close.reason, close.message
        record.append(_candidate(option, verdict, reason, message))
    return tuple(sorted(record, key=_rank))


def _key(option: Option) -> tuple[str, str, str, int]:
    assessment = option.assessment
    return (assessment.pool, assessment.gpu_type, assessment.capacity_type, assessment.tensor_parallel_size)


def _rank(candidate: Candidate) -> tuple[int, int]:
    """Chosen (the largest part first), feasible, rejected by how far they got; the sort is stable: cost within."""
    standing = (Verdict.CHOSEN, Verdict.FEASIBLE, Verdict.REJECTED).index(candidate.verdict)
    if candidate.verdict is Verdict.CHOSEN:
        return (standing, -(candidate.replicas or 0))
    return (standing, -candidate.reason.progress if candidate.verdict is Verdict.REJECTED else 0)


def _why_chosen(option: Option, feasible: list[Option]) -> Reason:
    if option.held:
        return Reason.KEPT
    return Reason.ONLY_OPTION if len(feasible) == 1 else Reason.CHEAPEST


def _why_not(option: Option, allocation: Allocation, why_stay: WhyStay) -> tuple[Reason, str]:
    if not option.serves:
        held = any(part.held for part in allocation.parts)
        return (Reason.MOVE_NOT_WORTH_IT if held else Reason.MORE_EXPENSIVE), _overloaded(option)
    difference = option.comparable - allocation.comparable
    unit = "in total" if option.usd_total is not None else "per month"
    if any(part.replicas != part.recommended for part in allocation.parts):
        unit += ", each with the replicas that the rate needs,"
    if difference < 0:
        return Reason.MOVE_NOT_WORTH_IT, f"USD {usd_text(-difference)} {unit} cheaper; {why_stay(option)}"
    if difference == 0:
        return Reason.MORE_EXPENSIVE, "costs the same; fewer GPUs, then speed, then the name decided"
    return Reason.MORE_EXPENSIVE, f"USD {usd_text(difference)} {unit} more than the chosen one"


def _overloaded(option: Option) -> str:
    needed = option.assessment.replicas
    return (
        f"scaling.maxReplicas allows {option.recommended} of the {needed} replicas that the rate needs; they carry "
        f"{option.requests_per_second:.2f} requests/s"
    )


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
    headroom = "" if total is not None else f", counted with {HEADROOM[speed.confidence]:.0%} headroom"
    pace = f"{speed.time_per_output_token_ms:.0f} ms per output token ({speed.confidence}{headroom})"
    probe = "; a probe: the margin is within the error of the estimate" if assessment.probe else ""
    slower = f"; slower than it was planned: {assessment.slower}" if assessment.slower else ""
    return (
        f"{option.replicas} x {size} {assessment.gpu_type} in pool {assessment.pool}: "
        f"{speed.requests_per_second:.2f} requests/s per replica at {pace}, "
        f"{estimate.kv_cache_gib:.1f} GiB of KV cache per GPU, {cost}{probe}{slower}"
    )


def shares(mix: Allocation) -> str:
    """Say which share of the requests each part is planned to carry, beside what one plain Service sends it."""
    carried = [
        part.replicas * (part.assessment.speed.requests_per_second if part.assessment.speed else 0.0)
        for part in mix.parts
    ]
    return (
        f"planned for {_percentages(carried)} of the requests; a Service spreads them evenly over pods "
        f"({_percentages([part.replicas for part in mix.parts])}), so weigh them in front of it"
    )


def _percentages(amounts: Sequence[float]) -> str:
    return " and ".join(f"{amount / sum(amounts) * 100:.0f} %" for amount in amounts)


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
