"""Several kinds of replicas behind one Service, where the user allows it and it is clearly cheaper.

In: an attempt, its candidates, and what capacity and money leave. Out: the cheapest allocation of two GPU types, or the
counts that a running one needs now. Kinds share requests in proportion to their capacity, because the Service does not
know how long a request is (throughput-and-cost.md 6.1); that is why two are enough. Must not decide whether to move.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from inferfleet.api.enums import MixedGPUTypes
from inferfleet.domain.candidate import Candidate, Count
from inferfleet.domain.demand import Demand
from inferfleet.plan.admission.admission import Attempt
from inferfleet.plan.candidates.sizing import HEADROOM
from inferfleet.plan.choice.allocation import Allocation, reserving
from inferfleet.plan.choice.mix_solver import Mix, ReplicaKind, cheapest_mix

MOST_KINDS = 2
# "A replica mix over two GPU types when it saves at least 5 %" against the best single placement.
LEAST_SAVING = Decimal("0.05")


def may_mix(demand: Demand) -> bool:
    """Whether replicas may be of several kinds: asked for, real-time work, and the plan owns the count."""
    allowed = demand.spec.placement.mixed_gpu_types is MixedGPUTypes.ALLOWED
    return allowed and demand.spec.traffic is not None and demand.spec.replicas is None


def cheapest_mixture(attempt: Attempt, candidates: Sequence[Candidate], best: Candidate | None) -> Allocation | None:
    """Return the cheapest two kinds that serve the rate within capacity and money, where that saves enough.

    `best` is the cheapest single candidate (None: there is none; any mix is then better than nothing). None as well
    where the user wants one kind.
    """
    if not may_mix(attempt.demand):
        return None
    usable = {_name(item): item for item in candidates if _usable(attempt, item)}
    found = _solved(attempt.demand, {name: _kind(attempt, item) for name, item in usable.items()})
    if found is None or len(found.counts) < MOST_KINDS:
        return None
    mixture = _counted(attempt.demand, [usable[name] for name, _ in found.counts], dict(found.counts))
    if not _within_limits(attempt.demand, mixture) or not attempt.affords(*mixture.parts):
        return None
    if best is not None and mixture.compared > best.compared * (1 - LEAST_SAVING):
        return None
    return mixture


def resized(attempt: Attempt, current: Allocation) -> Allocation:
    """Return what runs with the counts that the rate needs now: grown by the cheapest addition, or as few as will do.

    What capacity or money do not allow is left out and said.
    """
    demand = attempt.demand
    names = {_name(part): part for part in current.parts}
    running = {name: part.running.replicas for name, part in names.items() if part.running}
    kinds = {name: _kind(attempt, part) for name, part in names.items()}
    capacity = sum(kinds[name].requests_per_second * count for name, count in running.items())
    rate = _rate(demand)
    if capacity >= rate:
        fewest = _solved(demand, {name: replace(kind, most=running[name]) for name, kind in kinds.items()})
        shrunk = _counted(demand, current.parts, dict(fewest.counts) if fewest else running)
        return shrunk if _within_limits(demand, shrunk) else _counted(demand, current.parts, running)
    room = {name: replace(kind, most=_room(attempt, names[name], running[name])) for name, kind in kinds.items()}
    added = cheapest_mix(list(room.values()), rate - capacity, most_kinds=MOST_KINDS)
    wanted = dict(running)
    for name, count in added.counts if added else ():
        wanted[name] += count
    grown = _counted(demand, current.parts, wanted)
    if added and attempt.affords(*grown.parts) and _within_limits(demand, grown):
        return grown
    return _held_back(attempt, current, running, grown if added else None)


def _held_back(
    attempt: Attempt, current: Allocation, running: Mapping[str, int], grown: Allocation | None
) -> Allocation:
    """Keep the counts that run, and say what keeps them from growing."""
    kept = _counted(attempt.demand, current.parts, running)
    if grown is None:
        message, short = "their pools have no room for what the rate needs", 1
    else:
        short, charge = max(1, grown.recommended - sum(running.values())), attempt.charge(*grown.parts)
        headroom = attempt.headroom
        message = "the largest count is reached" if headroom.allows(charge) else headroom.refusal(charge)
    first, *rest = kept.parts
    return Allocation(parts=(first.sized(replace(first.count, short=short, short_message=message)), *rest))


def _usable(attempt: Attempt, candidate: Candidate) -> bool:
    excluded = candidate.pool in attempt.retained.excluded
    return (
        candidate.refusal is None
        and candidate.quote is not None
        and candidate.quote.stated
        and not candidate.probe
        and not excluded
    )


def _kind(attempt: Attempt, candidate: Candidate) -> ReplicaKind:
    """One replica of a candidate as the mix sees it; its capacity is what is left after the headroom."""
    speed, quote = candidate.speed, candidate.quote
    assert speed is not None
    assert quote is not None
    mine = candidate.running.replicas if candidate.running else 0
    return ReplicaKind(
        name=_name(candidate),
        requests_per_second=speed.requests_per_second / (1 + HEADROOM[speed.confidence]),
        usd_per_hour=quote.replica.usd_per_hour,
        gpus=candidate.tensor_parallel_size,
        group=candidate.gpu_type,
        most=mine + attempt.capacity.room(candidate.pool, candidate.tensor_parallel_size),
    )


def _room(attempt: Attempt, part: Candidate, running: int) -> int:
    """Replicas that may be added to a part."""
    assert part.running is not None
    assert part.quote is not None
    if not part.quote.stated or part.running.name in attempt.retained.limits:
        return 0
    return max(0, (_kind(attempt, part).most or 0) - running)


def _solved(demand: Demand, kinds: Mapping[str, ReplicaKind]) -> Mix | None:
    return cheapest_mix(_undominated(kinds.values(), _rate(demand)), _rate(demand), most_kinds=MOST_KINDS)


def _undominated(kinds: Iterable[ReplicaKind], rate: float) -> list[ReplicaKind]:
    """Drop kinds that one of the same GPU type can always replace: as fast, no dearer, enough of them for all."""
    kept: list[ReplicaKind] = []
    for kind in sorted(kinds, key=lambda item: (item.usd_per_hour, item.gpus, -item.requests_per_second, item.name)):
        replaced = any(
            other.group == kind.group
            and other.requests_per_second >= kind.requests_per_second
            and other.gpus <= kind.gpus
            and (other.most or 0) * other.requests_per_second >= rate
            for other in kept
        )
        if not replaced:
            kept.append(kind)
    return kept


def _counted(demand: Demand, parts: Sequence[Candidate], counts: Mapping[str, int]) -> Allocation:
    """Give the parts their counts, the largest first; what one would lack if it had to serve alone is forgotten."""
    placed = [
        part.sized(Count(recommended=count, replicas=count, reserved=part.count.reserved))
        for part in parts
        if (count := counts.get(_name(part)))
    ]
    return reserving(demand, sorted(placed, key=lambda part: (-part.replicas, part.order)))


def _within_limits(demand: Demand, allocation: Allocation) -> bool:
    scaling, total = demand.spec.scaling, allocation.replicas
    return scaling.min_replicas <= total and (scaling.max_replicas is None or total <= scaling.max_replicas)


def _rate(demand: Demand) -> float:
    assert demand.spec.traffic is not None
    return float(demand.spec.traffic.requests_per_second)


def _name(candidate: Candidate) -> str:
    return f"{candidate.pool}/{candidate.tensor_parallel_size}"
