"""Several kinds of replicas behind one Service, where the user allows it and it is clearly cheaper.

In: a demand's offers and what stock and money leave. Out: the cheapest arrangement of two GPU types, or the counts
that a running one needs now. Kinds share requests in proportion to their capacity, because the Service does not know
how long a request is (throughput-and-cost.md 6.1); that is why two are enough. Must not decide whether to move.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from inferfleet.api.enums import MixedGPUTypes
from inferfleet.domain.demand import Demand
from inferfleet.plan.admission.admission import Gate, held_here
from inferfleet.plan.candidates.assess import HEADROOM
from inferfleet.plan.candidates.quote import Option
from inferfleet.plan.choice.allocation import Allocation, reserving
from inferfleet.plan.choice.mix_solver import Mix, MixOption, cheapest_mix

MOST_KINDS = 2
# "A replica mix over two GPU types when it saves at least 5 %" against the best single placement.
LEAST_SAVING = Decimal("0.05")


def may_mix(demand: Demand) -> bool:
    """Whether replicas may be of several kinds: asked for, real-time work, and the plan owns the count."""
    allowed = demand.spec.placement.mixed_gpu_types is MixedGPUTypes.ALLOWED
    return allowed and demand.spec.traffic is not None and demand.spec.replicas is None


def cheapest_mixture(gate: Gate, offered: Sequence[Option], best: Option | None) -> Allocation | None:
    """Return the cheapest two kinds that serve the rate within stock and money, where that saves enough.

    `best` is the cheapest single option (None: there is none; any mix is then better than nothing).
    """
    usable = [option for option in offered if _usable(gate, option)]
    found = _solved(gate.demand, {_name(option): _kind(gate, option) for option in usable})
    if found is None or len(found.counts) < MOST_KINDS:
        return None
    by_name = {_name(option): option for option in usable}
    held = {name: held_here(gate.held, option.assessment) for name, option in by_name.items()}
    parts = [replace(by_name[name], held=held[name]) for name, _ in found.counts]
    mixture = _arranged(gate.demand, parts, dict(found.counts))
    if not _within_limits(gate.demand, mixture) or not gate.affords(*mixture.parts):
        return None
    if best is not None and mixture.comparable > best.comparable * (1 - LEAST_SAVING):
        return None
    return mixture


def resized(gate: Gate, current: Allocation) -> Allocation:
    """Return what runs with the counts that the rate needs now: grown by the cheapest addition, or as few as will do.

    What stock or money do not allow is left out and said.
    """
    names = {_name(part): part for part in current.parts}
    running = {name: part.held.replicas for name, part in names.items() if part.held}
    kinds = {name: _kind(gate, part) for name, part in names.items()}
    capacity = sum(kinds[name].requests_per_second * count for name, count in running.items())
    rate = _rate(gate.demand)
    if capacity >= rate:
        fewest = _solved(gate.demand, {name: replace(kind, most=running[name]) for name, kind in kinds.items()})
        shrunk = _arranged(gate.demand, list(names.values()), dict(fewest.counts) if fewest else running)
        return shrunk if _within_limits(gate.demand, shrunk) else _arranged(gate.demand, list(names.values()), running)
    room = {name: replace(kind, most=_room(gate, names[name], running[name])) for name, kind in kinds.items()}
    added = cheapest_mix(list(room.values()), rate - capacity, most_kinds=MOST_KINDS)
    wanted = dict(running)
    for name, count in added.counts if added else ():
        wanted[name] += count
    grown = _arranged(gate.demand, list(names.values()), wanted)
    if added and gate.affords(*grown.parts) and _within_limits(gate.demand, grown):
        return grown
    return _held_back(gate, current, running, grown if added else None)


def _held_back(gate: Gate, current: Allocation, running: dict[str, int], grown: Allocation | None) -> Allocation:
    """Keep the counts that run, and say what keeps them from growing."""
    kept = _arranged(gate.demand, list(current.parts), running)
    if grown is None:
        message, short = "their pools have no room for what the rate needs", 1
    else:
        short, usd = max(1, grown.recommended - sum(running.values())), gate.claimed_usd(*grown.parts)
        message = "the largest count is reached" if gate.money.allows(usd) else gate.money.refusal(usd)
    first, *rest = kept.parts
    return Allocation(parts=(replace(first, short=short, short_message=message), *rest))


def _usable(gate: Gate, option: Option) -> bool:
    assessment = option.assessment
    excluded = assessment.pool in gate.excluded_pools or assessment.pool in gate.demand.excluded_pools
    return option.refusal is None and option.price is not None and not assessment.probe and not excluded


def _kind(gate: Gate, option: Option) -> MixOption:
    """One replica of an option as the mix sees it; its capacity is what is left after the headroom."""
    assessment = option.assessment
    assert assessment.speed is not None
    placement = held_here(gate.held, assessment)
    mine = placement.replicas if placement else 0
    return MixOption(
        name=_name(option),
        requests_per_second=assessment.speed.requests_per_second / (1 + HEADROOM[assessment.speed.confidence]),
        usd_per_hour=assessment.tensor_parallel_size * option.charged_per_gpu_hour,
        gpus=assessment.tensor_parallel_size,
        group=assessment.gpu_type,
        most=mine + gate.stock.room(assessment.pool, assessment.tensor_parallel_size),
    )


def _room(gate: Gate, part: Option, running: int) -> int:
    """Replicas that may be added to a part."""
    assert part.held is not None
    if part.price is None or part.held.name in gate.limits:
        return 0
    most = _kind(gate, part).most
    return max(0, (most or 0) - running)


def _solved(demand: Demand, kinds: dict[str, MixOption]) -> Mix | None:
    return cheapest_mix(_undominated(list(kinds.values()), _rate(demand)), _rate(demand), most_kinds=MOST_KINDS)


def _undominated(kinds: list[MixOption], rate: float) -> list[MixOption]:
    """Drop kinds that one of the same GPU type can always replace: as fast, no dearer, enough of them for all."""
    kept: list[MixOption] = []
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


def _arranged(demand: Demand, parts: Sequence[Option], counts: dict[str, int]) -> Allocation:
    """Give the parts their counts, the largest first; what one would lack if it had to serve alone is forgotten."""
    placed = [
        replace(part, replicas=count, recommended=count, short=0, short_message="")
        for part in parts
        if (count := counts.get(_name(part)))
    ]
    return reserving(demand, sorted(placed, key=lambda part: (-part.replicas, part.order)))


def _within_limits(demand: Demand, allocation: Allocation) -> bool:
    scaling, total = demand.spec.scaling, sum(part.replicas for part in allocation.parts)
    return scaling.min_replicas <= total and (scaling.max_replicas is None or total <= scaling.max_replicas)


def _rate(demand: Demand) -> float:
    assert demand.spec.traffic is not None
    return float(demand.spec.traffic.requests_per_second)


def _name(option: Option) -> str:
    return f"{option.assessment.pool}/{option.assessment.tensor_parallel_size}"
