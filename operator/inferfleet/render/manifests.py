"""All manifests of one InferenceDeployment, in the order in which they are applied.

In: demand, decision, the pools by name, facts of the installation. Out: a tuple of manifests; what is absent from it
shall not exist. A decision that contradicts itself or its demand is refused here rather than written.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from inferfleet.api.enums import CapacityType, SpotPolicy
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand
from inferfleet.domain.model import Model
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool
from inferfleet.render.batch import job
from inferfleet.render.disruption import LEAST_REPLICAS, disruption_budget
from inferfleet.render.manifest import Manifest, RenderError
from inferfleet.render.probes import startup_seconds
from inferfleet.render.service import service
from inferfleet.render.serving import deployment

# Two bytes per parameter: the 16-bit weights of a checkpoint whose size nobody knows.
BYTES_PER_PARAMETER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderFacts:
    """What manifests need beyond the decision.

    `worker_image` runs `inferfleet batch-worker`. `load_bytes` is what one replica reads before it serves (None: from
    the model's facts). `now` is the time against which a batch deadline counts (None: the batch is created now).
    """

    worker_image: str
    load_bytes: int | None = None
    now: datetime | None = None


def render(demand: Demand, decision: Decision, pools: Mapping[str, Pool], facts: RenderFacts) -> tuple[Manifest, ...]:
    """Return the manifests of a decision: workloads first, then what stands in front of them.

    Empty when nothing shall run, but a suspended deployment keeps its Service and so its address. Raises `RenderError`
    when a pool is unknown or the decision and the demand disagree.
    """
    started_within = startup_seconds(facts.load_bytes or _load_bytes(demand))
    placed = [(placement, _pool(demand, placement, pools)) for placement in decision.placements]
    if len({placement.name for placement, _ in placed}) != len(placed):
        raise RenderError(f"placements of {demand.name}: two have the same name; names must differ")
    if demand.spec.is_batch:
        return tuple(
            job(
                demand,
                placement,
                pool,
                worker_image=facts.worker_image,
                startup_seconds=started_within,
                seconds_left=_seconds_left(demand, facts.now),
            )
            for placement, pool in placed
        )
    manifests = [deployment(demand, placement, pool, startup_seconds=started_within) for placement, pool in placed]
    if placed or decision.suspended:
        manifests.append(service(demand.owner))
    if sum(placement.replicas for placement, _ in placed) >= LEAST_REPLICAS:
        manifests.append(disruption_budget(demand.owner))
    return tuple(manifests)


def _pool(demand: Demand, placement: Placement, pools: Mapping[str, Pool]) -> Pool:
    """Return the pool, unless pods could run where neither decision nor tenant wants them. Raises `RenderError`."""
    pool = pools.get(placement.pool)
    if pool is None:
        raise RenderError(f"placement {placement.name}: pool {placement.pool!r} does not exist")
    if pool.capacity_type is not placement.capacity_type:
        raise RenderError(
            f"placement {placement.name}: pool {pool.name} is {pool.capacity_type},"
            f" the decision says {placement.capacity_type}"
        )
    if not pool.node_selector:
        raise RenderError(f"pool {pool.name}: spec.nodeSelector is empty; it must name the labels of its nodes")
    if pool.capacity_type is CapacityType.SPOT and demand.spec.spot_policy is SpotPolicy.NEVER:
        raise RenderError(f"placement {placement.name}: pool {pool.name} is spot, and the spot policy is Never")
    return pool


def _seconds_left(demand: Demand, now: datetime | None) -> int | None:
    """Seconds until a batch's deadline, at least one: the Job then ends at once and says why. None without a deadline.

    A Job counts from its own start; the deadline counts from the creation of the InferenceDeployment.
    """
    if now is None or demand.deadline is None:
        return demand.spec.batch.deadline_seconds if demand.spec.batch else None
    return max(1, math.ceil((demand.deadline - now).total_seconds()))


def _load_bytes(demand: Demand) -> int | None:
    model = demand.model
    if not isinstance(model, Model):
        return None
    if model.weight_bytes is None and model.parameters is not None:
        return model.parameters * BYTES_PER_PARAMETER
    return model.weight_bytes
