"""Judge every candidate of a shape before stock, price and money: allowed, fits, fast enough, how many.

In: a shape and a pool without its nodes and price. Out: one `Assessment` per tensor parallel size. The same shape and
pool give the same answer, so it is computed once.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from inferfleet.api.enums import CapacityType, Confidence
from inferfleet.api.reasons import Reason
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import MemoryEstimate
from inferfleet.domain.speed import Speed
from inferfleet.domain.wording import duration_text
from inferfleet.domain.world import Pool
from inferfleet.engine import memory, throughput
from inferfleet.engine.calibration import speed_calibration
from inferfleet.engine.settings import engine_settings
from inferfleet.plan.admission.capacity import replicas_for
from inferfleet.plan.candidates.filters import Refusal, refusal
from inferfleet.plan.candidates.fitting import estimate_of, fitting, gpu_of
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
# What a status can count; no stock is near it, so that more replicas are refused all the same.
MOST_REPLICAS = 2_147_483_647
# Stands for the name of a pool in what is worked out once for all pools of equal hardware.
HERE = "{pool}"

# Pools of one GPU type ask the same question: it is answered once.
_speed = lru_cache(maxsize=16_384)(throughput.estimate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What is known about a candidate before stock and money: a refusal, or everything needed to price it.

    `replicas` is what the rate needs, before limits; `hours` is how long a batch runs; a `probe` fits only within the
    error of the estimate; `slower` says that it runs already and is slower than the objectives (empty: it is not).
    """

    pool: str
    gpu_type: str
    capacity_type: CapacityType
    tensor_parallel_size: int
    refusal: Refusal | None
    engine: EngineSettings | None = None
    memory: MemoryEstimate | None = None
    speed: Speed | None = None
    replicas: int = 0
    hours: float | None = None
    probe: bool = False
    slower: str = ""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A pool without what changes by the minute, and its hardware, hashed once: a pass asks for each many times."""

    pool: Pool
    hardware: "Site | None"

    def __hash__(self) -> int:
        """Hash once."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.pool)


def site_of(pool: Pool) -> Site:
    """Strip a pool of nodes and price, so that an assessment stays valid while pods come and go."""
    lasting = replace(
        pool, nodes=(), nodes_known=True, max_nodes=None, usd_per_gpu_hour=None, price_source="", price_date=None,
        counted_elsewhere=None, left_out=(), avoided=(),
    )  # fmt: skip
    hardware = Pool(
        name=HERE,
        gpu_type=pool.gpu_type,
        gpu=pool.gpu,
        gpus_per_node=pool.gpus_per_node,
        capacity_type=pool.capacity_type,
        node_selector=(),
        interconnect=pool.interconnect,
        memory_mib=pool.memory_mib,
    )
    return Site(pool=lasting, hardware=Site(pool=hardware, hardware=None))


@lru_cache(maxsize=16_384)
def assess(shape: Shape, site: Site) -> tuple[Assessment, ...]:
    """Judge every tensor parallel size in a pool, smallest first; pools of equal hardware share the arithmetic."""
    objection = refusal(shape, site.pool)
    if objection is not None:
        return (_refused(site.pool, 1, objection),)
    assert site.hardware is not None
    return tuple(_in_pool(site.pool.name, item) for item in _physics(shape, site.hardware))


@lru_cache(maxsize=16_384)
def _physics(shape: Shape, hardware: Site) -> tuple[Assessment, ...]:
    pool = hardware.pool
    return tuple(_assess_size(shape, pool, size) for size in parallel_sizes(pool.gpus_per_node))


def _in_pool(name: str, item: Assessment) -> Assessment:
    """Say of one pool what was worked out for its hardware."""
    refused = item.refusal
    if refused is None:
        return replace(item, pool=name)
    return replace(item, pool=name, refusal=Refusal(refused.reason, lambda: refused.message.replace(HERE, name)))


def parallel_sizes(gpus_per_node: int) -> tuple[int, ...]:
    """Tensor parallel sizes worth judging on one node: powers of two and the divisors of its GPU count."""
    powers = {2**exponent for exponent in range(gpus_per_node.bit_length()) if 2**exponent <= gpus_per_node}
    divisors = {size for size in range(1, gpus_per_node + 1) if gpus_per_node % size == 0}
    return tuple(sorted(powers | divisors))


def _assess_size(shape: Shape, pool: Pool, size: int) -> Assessment:
    problem = memory.tensor_parallel_problem(shape.model, size)
    if problem is not None:
        return _refused(pool, size, Refusal(Reason.TENSOR_PARALLEL_NOT_DIVISIBLE, problem))
    limit = shape.spec.placement.max_tensor_parallel_size
    if limit and size > limit:
        message = f"tensor parallel size {size} is above spec.placement.maxTensorParallelSize {limit}"
        return _refused(pool, size, Refusal(Reason.TOO_MANY_GPUS, message))
    try:
        fit = fitting(shape, pool, engine_settings(shape.spec, shape.model, gpu_of(pool), size))
    except ValueError as error:  # a quantisation or an engine version that the memory model does not know
        return _refused(pool, size, Refusal(Reason.PRECISION_NOT_SUPPORTED, str(error)))
    if fit.refusal is not None and fit.refusal.reason is not Reason.TOO_CLOSE:
        return _refused(pool, size, fit.refusal, engine=fit.engine, estimate=fit.memory)
    return _assess_speed(shape, pool, fit.engine, fit.memory, probe=fit.refusal is not None)


def assess_running(shape: Shape, pool: Pool, engine: EngineSettings) -> Assessment:
    """Judge settings that run already: that they fit is proved, only speed and count are estimated."""
    return _assess_speed(shape, pool, engine, estimate_of(shape, pool, engine), probe=False)


def _assess_speed(
    shape: Shape, pool: Pool, engine: EngineSettings, estimate: MemoryEstimate, *, probe: bool
) -> Assessment:
    speed = _speed(
        shape.model,
        gpu_of(pool),
        engine,
        estimate,
        shape.traffic,
        shape.objectives,
        headroom=0.0,
        interconnect=pool.interconnect,
        calibration=speed_calibration(shape.calibrations, pool.gpu_type, engine),
    )
    hours = batch_hours(shape, pool, speed)
    slow = _too_slow(shape, speed, hours)
    traffic = shape.spec.traffic
    replicas = 1
    if slow is None and traffic is not None:
        headroom = HEADROOM[speed.confidence]
        needed = replicas_for(float(traffic.requests_per_second), headroom, speed.requests_per_second)
        replicas = min(MOST_REPLICAS, needed)
    return Assessment(
        pool=pool.name,
        gpu_type=pool.gpu_type,
        capacity_type=pool.capacity_type,
        tensor_parallel_size=engine.tensor_parallel_size,
        refusal=slow,
        engine=engine,
        memory=estimate,
        speed=speed,
        replicas=replicas,
        hours=hours,
        probe=probe,
    )


def _too_slow(shape: Shape, speed: Speed, hours: float | None) -> Refusal | None:
    if not speed.meets_objectives:
        return Refusal(Reason.TOO_SLOW, f"limited by {speed.limit}: {_best_reachable(shape, speed)}")
    batch = shape.spec.batch
    deadline = batch.deadline_seconds if batch is not None and batch.requests is not None else None
    if hours is not None and deadline and hours > DEADLINE_SHARE * deadline / SECONDS_PER_HOUR:
        return Refusal(
            Reason.TOO_SLOW,
            f"one shard takes {duration_text(hours)}; {DEADLINE_SHARE:.0%} of spec.batch.deadlineSeconds {deadline} is "
            f"{duration_text(DEADLINE_SHARE * deadline / SECONDS_PER_HOUR)}",
        )
    return None


def _best_reachable(shape: Shape, speed: Speed) -> str:
    """Say what a single request gets, beside each objective that was set."""
    wanted, parts = shape.objectives, []
    if wanted.time_per_output_token_ms is not None:
        parts.append(
            f"a single request takes {speed.best_time_per_output_token_ms:.1f} ms per output token "
            f"(objective {wanted.time_per_output_token_ms:.0f})"
        )
    if wanted.time_to_first_token_ms is not None:
        parts.append(
            f"its prompt takes {speed.prefill_ms:.0f} ms (at most half of the time to first token: "
            f"{wanted.time_to_first_token_ms / 2:.0f})"
        )
    return ", ".join(parts)


def batch_hours(shape: Shape, pool: Pool, speed: Speed) -> float | None:
    """Hours that one shard of a batch runs, model load and expected retries included; None for real-time work.

    Without a line count the deadline is the bound: it is what may be spent.
    """
    batch = shape.spec.batch
    if batch is None or not speed.meets_objectives:
        return None
    if batch.requests is None:
        return (batch.deadline_seconds or 0) / SECONDS_PER_HOUR
    retries = SPOT_RETRIES if pool.capacity_type is CapacityType.SPOT else 0.0
    return LOAD_HOURS + batch.requests / speed.requests_per_second / SECONDS_PER_HOUR * (1 + retries)


def _refused(
    pool: Pool,
    size: int,
    objection: Refusal,
    *,
    engine: EngineSettings | None = None,
    estimate: MemoryEstimate | None = None,
) -> Assessment:
    return Assessment(
        pool=pool.name,
        gpu_type=pool.gpu_type,
        capacity_type=pool.capacity_type,
        tensor_parallel_size=size,
        refusal=objection,
        engine=engine,
        memory=estimate,
    )
