"""The record of a choice: every candidate with verdict, reason and numbers, what was chosen first."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from inferfleet.api.reasons import READY_REASON, ReadyReason, Reason, Verdict
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.decision import Record
from inferfleet.domain.refused import Refused, Words
from inferfleet.domain.wording import usd_text
from inferfleet.plan.admission.admission import Admitted
from inferfleet.plan.candidates.sizing import HEADROOM
from inferfleet.plan.choice.allocation import Allocation

WhyStay = Callable[[Candidate], str]
"""Why something cheaper than what runs is not moved to."""


def recorded(admitted: Admitted, allocation: Allocation | None, why_stay: WhyStay | None = None) -> Record:
    """Return the record of all candidates, which is worded only when it is read."""
    return Record(lambda: _record(admitted, allocation, why_stay or _no_move))


def obstacle(candidates: Sequence[Candidate]) -> Refused[ReadyReason]:
    """Say why nothing is left: the reason of the candidate that got furthest, and how the others fared."""
    if not candidates:
        return Refused(ReadyReason.NO_MATCHING_POOL, "there is no GPUPool: describe at least one node pool")
    nearest = max(candidates, key=lambda item: (item.reason.progress, _nearness(item)))
    counted = Counter(item.reason for item in candidates)
    others = ", ".join(
        f"{count} {reason}" for reason, count in sorted(counted.items(), key=lambda item: -item[0].progress)
    )
    return Refused(READY_REASON[nearest.reason], f"{nearest.message} [candidates: {others}]")


def praise(part: Candidate) -> str:
    """Say what was chosen, with its numbers."""
    speed, estimate, quote = part.speed, part.memory, part.quote
    assert speed is not None
    assert estimate is not None
    assert quote is not None
    if not quote.stated:
        cost = "at a price that is no longer stated"
    elif part.hours is not None:
        cost = f"USD {usd_text(quote.claim.total.usd)} in total over {part.hours:.1f} h"
    else:
        cost = f"USD {usd_text(quote.run_rate.month.usd)} per month"
    batch = part.hours is not None and quote.stated
    headroom = "" if batch else f", counted with {HEADROOM[speed.confidence]:.0%} headroom"
    pace = f"{speed.time_per_output_token_ms:.0f} ms per output token ({speed.confidence}{headroom})"
    probe = "; a probe: the margin is within the error of the estimate" if part.probe else ""
    slower = f"; slower than it was planned: {part.slower}" if part.slower else ""
    return (
        f"{part.replicas} x {part.tensor_parallel_size} {part.gpu_type} in pool {part.pool}: "
        f"{speed.requests_per_second:.2f} requests/s per replica at {pace}, "
        f"{estimate.kv_cache_gib:.1f} GiB of KV cache per GPU, {cost}{probe}{slower}"
    )


def shares(mix: Allocation) -> str:
    """Say which share of the requests each part is planned to carry, beside what one plain Service sends it."""
    carried = [part.replicas * (part.speed.requests_per_second if part.speed else 0.0) for part in mix.parts]
    return (
        f"planned for {_percentages(carried)} of the requests; a Service spreads them evenly over pods "
        f"({_percentages([part.replicas for part in mix.parts])}), so weigh them in front of it"
    )


def _percentages(amounts: Sequence[float]) -> str:
    return " and ".join(f"{amount / sum(amounts) * 100:.0f} %" for amount in amounts)


def _record(admitted: Admitted, allocation: Allocation | None, why_stay: WhyStay) -> tuple[Candidate, ...]:
    """Chosen (the largest part first), feasible, rejected by how far they got; cost within."""
    able = admitted.able
    parts = {part.kind: part for part in allocation.parts} if allocation else {}
    usable = {item.kind for item in able}
    chosen: list[Candidate] = []
    feasible: list[Candidate] = []
    rejected: list[Candidate] = []
    for item in admitted.candidates:
        kind = item.kind
        part = parts.get(kind)
        if part is not None:
            chosen.append(part.judged(Verdict.CHOSEN, _why_chosen(part, able), partial(praise, part)))
        elif item.refusal is not None:
            rejected.append(item)
        elif allocation is not None and kind in usable:
            feasible.append(item.judged(Verdict.FEASIBLE, *_why_not(item, allocation, why_stay)))
        else:
            rejected.append(item.refused(_too_close(item)))
    chosen.sort(key=lambda item: -item.replicas)
    rejected.sort(key=lambda item: -item.reason.progress)
    return (*chosen, *feasible, *rejected)


def _nearness(candidate: Candidate) -> float:
    """How near it came beside others of its reason: the fastest batch, else the least cost, else the most memory."""
    if candidate.reason is Reason.TOO_SLOW and candidate.hours is not None:
        return -candidate.hours
    if candidate.cost is not None:
        return -float(candidate.cost.run_rate.usd_per_hour)
    return candidate.memory.margin_gib if candidate.memory else 0.0


def _no_move(_candidate: Candidate) -> str:
    return "running work stays"


def _why_chosen(part: Candidate, able: Sequence[Candidate]) -> Reason:
    if part.running:
        return Reason.KEPT
    return Reason.ONLY_OPTION if len(able) == 1 else Reason.CHEAPEST


def _why_not(candidate: Candidate, allocation: Allocation, why_stay: WhyStay) -> tuple[Reason, Words]:
    if not candidate.serves:
        runs = bool(allocation.running)
        return (Reason.MOVE_NOT_WORTH_IT if runs else Reason.MORE_EXPENSIVE), partial(_overloaded, candidate)
    difference = candidate.compared - allocation.compared
    if difference == 0:
        return Reason.MORE_EXPENSIVE, "costs the same; fewer GPUs, then speed, then the name decided"
    reason = Reason.MOVE_NOT_WORTH_IT if difference < 0 else Reason.MORE_EXPENSIVE
    return reason, partial(_dearer, candidate, allocation, why_stay)


def _dearer(candidate: Candidate, allocation: Allocation, why_stay: WhyStay) -> str:
    """Say how much more a candidate costs than what was chosen, or why the cheaper one is not moved to."""
    difference = candidate.compared - allocation.compared
    unit = "in total" if candidate.total is not None else "per month"
    if any(part.replicas != part.count.recommended for part in allocation.parts):
        unit += ", each with the replicas that the rate needs,"
    if difference < 0:
        return f"USD {usd_text(-difference)} {unit} cheaper; {why_stay(candidate)}"
    return f"USD {usd_text(difference)} {unit} more than the chosen one"


def _overloaded(candidate: Candidate) -> str:
    return (
        f"scaling.maxReplicas allows {candidate.count.recommended} of the {candidate.needed} replicas that the rate "
        f"needs; they carry {candidate.requests_per_second:.2f} requests/s"
    )


def _too_close(candidate: Candidate) -> Refused[Reason]:
    estimate = candidate.memory
    assert estimate is not None
    return Refused(
        Reason.TOO_CLOSE,
        f"margin {estimate.margin_gib:+.2f} GiB per GPU is within the error of the estimate, {estimate.band_gib:.2f}",
    )
