"""How many more replicas a pool can take: free GPUs per node, nodes that may still come, promises not yet bound.

In: the pools and the holdings of a world. `Capacity` is the scratch pad of one planning cycle: it starts from the world
and is charged with what the cycle promises. A replica lives on one node, so free GPUs are counted node by node.
"""

from collections import Counter

from inferfleet.api.enums import CapacityType
from inferfleet.domain.world import Pool, World

# More nodes than any pool has: stands for "no limit was given and no nodes are known" (offline plans).
UNBOUNDED = 10_000


class _PoolCapacity:
    """Schedulable nodes of one pool by their free GPUs, and the count of nodes that may be added.

    Which node has how many does not matter: nodes of equally many free GPUs are as good as each other.
    """

    __slots__ = ("_rooms", "gpus_per_node", "new_nodes", "nodes")

    def __init__(self, pool: Pool) -> None:
        self.gpus_per_node = pool.gpus_per_node
        self.nodes = Counter(node.free for node in pool.nodes if node.schedulable and not node.shared and not node.mig)
        if pool.max_nodes is None:
            self.new_nodes = 0 if pool.nodes_known else UNBOUNDED
        else:
            self.new_nodes = max(0, pool.max_nodes - len(pool.nodes))
        self._rooms: dict[int, int] = {}

    def room(self, size: int) -> int:
        if size not in self._rooms:
            known = sum([free // size * count for free, count in self.nodes.items()])
            self._rooms[size] = known + self.new_nodes * (self.gpus_per_node // size)
        return self._rooms[size]

    def take(self, size: int, replicas: int) -> None:
        """Place replicas on the fullest nodes that hold them first, so that whole nodes stay whole."""
        self._rooms.clear()
        for _ in range(replicas):
            free = min([free for free, count in self.nodes.items() if count and free >= size], default=None)
            if free is not None:
                self.nodes[free] -= 1
            elif self.new_nodes and self.gpus_per_node >= size:
                self.new_nodes -= 1
                free = self.gpus_per_node
            else:
                return
            self.nodes[free - size] += 1


class Capacity:
    """The GPUs that one planning cycle may still promise; `given` names the pools of all promises so far."""

    def __init__(self, world: World) -> None:
        """Count what is free and subtract every promise that no pod has taken up yet."""
        self._pools = {pool.name: _PoolCapacity(pool) for pool in world.pools}
        self.given: list[str] = []
        self._types = {(pool.name, pool.capacity_type) for pool in world.pools}
        self._left_out = {pool.name: pool.left_out for pool in world.pools if pool.left_out}
        pool_of_node = {node.name: pool.name for pool in world.pools for node in pool.nodes}
        for uid in sorted(world.holdings):
            for placement, missing in world.holdings[uid].unbound(pool_of_node):
                self.promise(placement.pool, placement.tensor_parallel_size, missing)

    def room(self, pool: str, tensor_parallel_size: int) -> int:
        """Return how many more replicas of this size the pool can take; none where there is no such pool."""
        return self._pools[pool].room(tensor_parallel_size) if pool in self._pools else 0

    def has(self, pool: str, capacity_type: CapacityType) -> bool:
        """Tell whether there is such a pool."""
        return (pool, capacity_type) in self._types

    def left_out(self, pool: str) -> str:
        """Say how many nodes of the pool labels or taints rule out, and why the first; empty where there are none."""
        reasons = self._left_out.get(pool, ())
        if not reasons:
            return ""
        return f"; {len(reasons)} of its nodes {'is' if len(reasons) == 1 else 'are'} left out: {reasons[0]}"

    def promise(self, pool: str, tensor_parallel_size: int, replicas: int) -> None:
        """Take room for replicas that were decided and are not bound yet."""
        if pool in self._pools and replicas > 0:
            self._pools[pool].take(tensor_parallel_size, replicas)
            self.given.append(pool)
