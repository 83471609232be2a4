"""One process's worth of timing: run in a fresh process, so that every cache is empty when it begins."""

import time

from benchmarks.plan.fleet import fleet
from benchmarks.plan.reference import reference_loop
from inferfleet.plan import decide


def timed(*, deployments: int, nodes: int, pools: int, shapes: int) -> dict[str, float]:
    """Return CPU seconds in this process: planning with empty caches, planning again, and the reference loop."""
    world, demands = fleet(deployments=deployments, nodes=nodes, pools=pools, shapes=shapes)
    started = time.process_time()
    decisions = decide(world, demands)
    cold = time.process_time() - started
    started = time.process_time()
    decide(world, demands)
    warm = time.process_time() - started
    started = time.process_time()
    reference_loop(deployments=deployments, pools=pools, nodes=nodes)
    reference = time.process_time() - started
    placed = sum(bool(decision.placements) for decision in decisions)
    return {"cold": cold, "warm": warm, "reference": reference, "placed": placed}
