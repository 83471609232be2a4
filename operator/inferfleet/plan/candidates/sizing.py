"""How many: replicas that a rate needs, hours that a batch takes, and the counts that a spec bounds or owns.

In: rates, speeds and a demand. Out: whole replicas and hours. Knows neither price nor free GPUs.
"""

import math
from dataclasses import dataclass

from inferfleet.api.enums import CapacityType, Confidence, ReservePolicy
from inferfleet.domain.candidate import Count
from inferfleet.domain.demand import Demand
from inferfleet.domain.speed import Speed
from inferfleet.plan.candidates.shape import Shape

# Headroom on the peak rate: 20-30 % while the speed is only estimated, 10 % once it was calibrated
# (throughput-and-cost.md 3.4: the share of targets broken against the capacity given away).
HEADROOM = {
    Confidence.MEASURED: 0.10,
    Confidence.CALIBRATED: 0.10,
    Confidence.ESTIMATED: 0.25,
    Confidence.LOW: 0.30,
}
# Time from pod start to first token that every shard pays, in hours: image, weights, compilation, CUDA graphs.
LOAD_HOURS = 0.1
# Share of work expected to be done twice on spot capacity.
SPOT_RETRIES = 0.10
# Share of a deadline that a plan may fill.
DEADLINE_SHARE = 0.8
SECONDS_PER_HOUR = 3600
# What a status can count; no pool is near it, so that more replicas are refused all the same.
MOST_REPLICAS = 2_147_483_647


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Replicas: what the plan recommends and what is wanted, with a note where a bound changed it."""

    recommended: int
    wanted: int
    clamped: str | None = None


def parallel_sizes(gpus_per_node: int) -> tuple[int, ...]:
    """Tensor parallel sizes worth judging on one node: powers of two and the divisors of its GPU count."""
    powers = {2**exponent for exponent in range(gpus_per_node.bit_length()) if 2**exponent <= gpus_per_node}
    divisors = {size for size in range(1, gpus_per_node + 1) if gpus_per_node % size == 0}
    return tuple(sorted(powers | divisors))


def replicas_for(rate: float, headroom: float, requests_per_second: float) -> int:
    """Return the replicas that carry a peak rate (requests per second) with a share of headroom; 0 for a rate of 0.

    Raises ValueError when one replica carries nothing.
    """
    if requests_per_second <= 0:
        raise ValueError(f"requests_per_second: {requests_per_second} is not above 0")
    return math.ceil(rate * (1 + headroom) / requests_per_second - 1e-9)


def needed_replicas(shape: Shape, speed: Speed) -> int:
    """Return the replicas that the peak rate needs, before limits; 1 for a batch."""
    if shape.spec.traffic is None:
        return 1
    rate = float(shape.spec.traffic.requests_per_second)
    return min(MOST_REPLICAS, replicas_for(rate, HEADROOM[speed.confidence], speed.requests_per_second))


def batch_hours(shape: Shape, capacity_type: CapacityType, speed: Speed) -> float | None:
    """Hours that one shard of a batch runs, model load and expected retries included; None for real-time work.

    Without a line count the deadline is the bound: it is what may be spent.
    """
    batch = shape.spec.batch
    if batch is None or not speed.meets_objectives:
        return None
    if batch.requests is None:
        return (batch.deadline_seconds or 0) / SECONDS_PER_HOUR
    retries = SPOT_RETRIES if capacity_type is CapacityType.SPOT else 0.0
    return LOAD_HOURS + batch.requests / speed.requests_per_second / SECONDS_PER_HOUR * (1 + retries)


def wanted_replicas(demand: Demand, needed: int) -> Wanted:
    """Apply minReplicas, maxReplicas and an externally owned count to what the rate needs."""
    if demand.spec.is_batch:
        return Wanted(recommended=1, wanted=1)
    scaling = demand.spec.scaling
    least, most = scaling.min_replicas, scaling.max_replicas
    recommended = _clamp(needed, least, most)
    owned = demand.spec.replicas
    if owned is None:
        clamped = f"the rate needs {needed} replicas; scaling.maxReplicas is {most}" if most and needed > most else None
        return Wanted(recommended=recommended, wanted=recommended, clamped=clamped)
    wanted = _clamp(owned, least, most)
    bounds = f"{least} to {most if most is not None else 'any'}"
    return Wanted(
        recommended=recommended,
        wanted=wanted,
        clamped=None if wanted == owned else f"spec.replicas {owned} is outside scaling ({bounds}): {wanted}",
    )


def counted(demand: Demand, needed: int) -> Count:
    """Return the counts of a candidate that nothing has objected to."""
    found = wanted_replicas(demand, needed)
    return Count(recommended=found.recommended, replicas=found.wanted, reserved=reserved_replicas(demand, found.wanted))


def reserved_replicas(demand: Demand, replicas: int) -> int:
    """Return the replicas that the ledger holds: those that run, or the largest count where the spec says so."""
    scaling = demand.spec.scaling
    largest = scaling.max_replicas if scaling.reserve is ReservePolicy.MAX else None
    return max(replicas, largest) if largest and replicas else replicas


def _clamp(count: int, least: int, most: int | None) -> int:
    return max(least, count) if most is None else min(most, max(least, count))
