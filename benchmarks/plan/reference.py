"""A fixed amount of plain Python, so that seconds of one machine can be compared with seconds of another.

For every deployment, pool and GPU count: the textbook rule (memory bandwidth over bytes of weights), replicas, cost,
the cheapest, and a first fit on the pool's nodes. It never changes with the planner, and the planner never uses it.
"""

import math

SIZES = (1, 2, 4, 8)
BYTES_PER_PARAMETER = 2
GB = 1e9


def reference_loop(*, deployments: int, pools: int, nodes: int) -> float:
    """Return the sum of all chosen costs, so that nothing can be left out."""
    free = [[8] * (nodes // pools) for _ in range(pools)]
    total = 0.0
    for deployment in range(deployments):
        weights = (7 + deployment % 5 * 16) * BYTES_PER_PARAMETER
        rate = 1 + deployment % 7
        options = []
        for pool in range(pools):
            memory, bandwidth, price = 24 + pool % 8 * 20, 300 + pool % 8 * 400, 0.8 + pool % 8
            for size in SIZES:
                if weights / size > memory * 0.9:
                    continue
                tokens = bandwidth * size * GB / (weights * GB)
                replicas = math.ceil(rate * 300 / tokens)
                options.append((replicas * size * price, replicas * size, pool, size, replicas))
        for cost, _gpus, pool, size, replicas in sorted(options):
            if _placed(free[pool], size, min(replicas, 4)):
                total += cost
                break
    return total


def _placed(nodes: list[int], size: int, replicas: int) -> bool:
    """Put the replicas on the first nodes with room, or nowhere."""
    left, places = replicas, []
    for index, free in enumerate(nodes):
        fits = min(left, free // size)
        places += [index] * fits
        left -= fits
        if not left:
            for place in places:
                nodes[place] -= size
            return True
    return False
