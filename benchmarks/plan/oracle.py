"""The best decision for a small world, found by looking at every possibility: what the planner is held against.

In: a world and demands, and per pool and size what one replica can do (that is the business of other benchmarks). Out:
who gets what. Written apart from the planner: it shares the meaning of the rules with it, and no code.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from inferfleet.domain.demand import Demand
from inferfleet.domain.world import Pool, World

HOURS = Decimal(730)
LEAST_SAVING = Decimal("0.05")

Counts = tuple[tuple[str, int, int], ...]
"""Pool, tensor parallel size and replicas of each kind, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """What one replica serves (requests per second after the headroom); `speed` before it, which breaks ties.

    A `probe` fits only within the error of the estimate: it is used when nothing surer can be had.
    """

    capacity: float
    speed: float
    probe: bool = False


Ability = Mapping[tuple[str, int], Replica]
"""What one replica can do, by pool and size; kinds that are missing cannot be used at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    counts: Counts
    usd: Decimal


class Oracle:
    """Serves demands in the given order; each takes what it gets away from those that follow."""

    def __init__(self, world: World) -> None:
        """Start with all that is free."""
        self._pools = {pool.name: pool for pool in world.pools}
        self._free = {pool.name: [node.free for node in pool.nodes] for pool in world.pools}
        self._new = {pool.name: max(0, (pool.max_nodes or 0) - len(pool.nodes)) for pool in world.pools}
        self._limits = {policy.name: policy.spec.usd_per_month for policy in world.policies}

    def serve(self, demand: Demand, ability: Ability, *, governed: bool) -> tuple[Counts, Decimal]:
        """Return what the demand gets and its USD per month; nothing and 0 where nothing is possible."""
        limit = min(self._limits.values(), default=None) if governed else None
        found = self._best(demand, ability, limit)
        if found is None:
            return (), Decimal(0)
        for pool, size, replicas in found.counts:
            for _ in range(replicas):
                self._take(pool, size)
        if governed:
            self._limits = {name: left - found.usd for name, left in self._limits.items()}
        return found.counts, found.usd

    def _best(self, demand: Demand, ability: Ability, limit: Decimal | None) -> _Answer | None:
        sure = {kind: replica for kind, replica in ability.items() if not replica.probe}
        singles = sorted(self._singles(demand, sure, limit), key=lambda item: item[0])
        singles = singles or sorted(self._singles(demand, ability, limit), key=lambda item: item[0])
        best = singles[0][1] if singles else None
        if demand.spec.placement.mixed_gpu_types != "Allowed":
            return best
        mixes = sorted(self._mixes(demand, sure, limit), key=lambda item: (item.usd, item.counts))
        if mixes and (best is None or mixes[0].usd <= best.usd * (1 - LEAST_SAVING)):
            return mixes[0]
        return best

    def _singles(
        self, demand: Demand, ability: Ability, limit: Decimal | None
    ) -> Iterator[tuple[tuple[bool, Decimal, int, float, str, str, int], _Answer]]:
        scaling = demand.spec.scaling
        for (name, size), replica in ability.items():
            pool = self._pools[name]
            needed = max(scaling.min_replicas, math.ceil(_rate(demand) / replica.capacity - 1e-9))
            replicas = min(needed, scaling.max_replicas or needed)
            usd = _usd(pool, size, replicas)
            if usd is None or not self._room(name, size, replicas) or (limit is not None and usd > limit):
                continue
            lacking = replicas < needed
            price = usd / Decimal(replicas * replica.speed) if lacking else usd
            order = (lacking, price, replicas * size, -replica.speed, name, pool.gpu_type, size)
            yield order, _Answer(counts=((name, size, replicas),), usd=usd)

    def _mixes(self, demand: Demand, ability: Ability, limit: Decimal | None) -> Iterator[_Answer]:
        rate = _rate(demand)
        for first, second in combinations(sorted(ability), 2):
            if self._pools[first[0]].gpu_type == self._pools[second[0]].gpu_type:
                continue
            for count in range(1, math.ceil(rate / ability[first].capacity) + 1):
                rest = rate - count * ability[first].capacity
                others = math.ceil(rest / ability[second].capacity - 1e-7)
                if others < 1 or not (self._room(*first, count) and self._room(*second, others)):
                    continue
                parts = (_usd(self._pools[first[0]], first[1], count), _usd(self._pools[second[0]], second[1], others))
                if parts[0] is None or parts[1] is None or count + others < demand.spec.scaling.min_replicas:
                    continue
                usd = parts[0] + parts[1]
                if limit is None or usd <= limit:
                    yield _Answer(counts=((*first, count), (*second, others)), usd=usd)

    def _room(self, name: str, size: int, replicas: int) -> bool:
        """Try it out on a copy, node by node."""
        free, new = list(self._free[name]), self._new[name]
        for _ in range(replicas):
            fitting = [index for index, left in enumerate(free) if left >= size]
            if fitting:
                free[fitting[0]] -= size
            elif new:
                new, free = new - 1, [*free, self._pools[name].gpus_per_node - size]
            else:
                return False
        return True

    def _take(self, name: str, size: int) -> None:
        """Use the node with the least room that is enough, so that whole nodes stay whole."""
        free = self._free[name]
        fitting = [left for left in free if left >= size]
        if fitting:
            free[free.index(min(fitting))] -= size
        else:
            self._new[name] -= 1
            free.append(self._pools[name].gpus_per_node - size)


def _rate(demand: Demand) -> float:
    assert demand.spec.traffic is not None
    return float(demand.spec.traffic.requests_per_second)


def _usd(pool: Pool, size: int, replicas: int) -> Decimal | None:
    """USD per month, None without a price."""
    return None if pool.price is None else size * replicas * pool.price.usd_per_gpu_hour * HOURS
