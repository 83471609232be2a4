"""What the GPUs cost that pods occupy at this moment: the least that a deployment is charged, whatever was decided.

In: a world. Out: run-rates by owner UID. Money that a smaller decision sets free is free only when the pods are gone;
until then nobody else may have it. Must not look at what was promised and is not bound yet; the ledger does.
"""

from collections.abc import Mapping
from decimal import Decimal

from inferfleet.domain.demand import Holding
from inferfleet.domain.money import ZERO, RunRate
from inferfleet.domain.world import World


def occupied(world: World) -> dict[str, RunRate]:
    """Return the run-rate of the GPUs that pods hold, by owner UID; owners without pods are left out."""
    bound = [holding for holding in world.holdings.values() if holding.bound]
    prices = _prices(world) if bound else {}
    return {holding.uid: _run_rate(holding, prices) for holding in bound}


def _prices(world: World) -> dict[str, dict[str, Decimal]]:
    """USD per GPU-hour by node and pool: nothing keeps two pools from naming the same node."""
    prices: dict[str, dict[str, Decimal]] = {}
    for pool in world.pools:
        for node in pool.nodes:
            prices.setdefault(node.name, {})[pool.name] = pool.price.usd_per_gpu_hour if pool.price else ZERO
    return prices


def _run_rate(holding: Holding, prices: Mapping[str, Mapping[str, Decimal]]) -> RunRate:
    """Charge a node as the pool that the deployment was placed in, else as the dearest pool that has it.

    A node that left its pool (relabelled, or the pool was deleted) costs what the dearest placement does.
    """
    placed = {placement.pool: placement.price.usd_per_gpu_hour for placement in holding.placements}
    total = ZERO
    for bound in holding.bound:
        here = prices.get(bound.node, {})
        known = [placed[pool] for pool in here if pool in placed] or list(here.values()) or list(placed.values())
        total += bound.gpus * max(known, default=ZERO)
    return RunRate(total)
