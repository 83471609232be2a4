"""Assess a pool for a shape before capacity, price and money: allowed, fits, fast enough, how many.

In: a shape and a pool without its nodes and price. Out: one `Candidate` per tensor parallel size. The same shape and
pool give the same answer, so it is computed once.
"""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from inferfleet.api.reasons import Reason
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import MemoryEstimate
from inferfleet.domain.refused import Refused
from inferfleet.domain.speed import Speed
from inferfleet.domain.wording import duration_text
from inferfleet.domain.world import Pool
from inferfleet.engine import engine_settings, memory, throughput
from inferfleet.engine.calibration import speed_calibration
from inferfleet.plan.candidates.filters import FILTERS
from inferfleet.plan.candidates.fitting import estimate_of, fitting
from inferfleet.plan.candidates.shape import Shape
from inferfleet.plan.candidates.sizing import (
    DEADLINE_SHARE,
    SECONDS_PER_HOUR,
    batch_hours,
    needed_replicas,
    parallel_sizes,
)

# Stands for the name of a pool in what is worked out once for all pools of equal hardware.
HERE = "{pool}"

# Pools of one GPU type ask the same question: it is answered once.
_speed = lru_cache(maxsize=16_384)(throughput.estimate)


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What a pool is made of, hashed once: a cycle asks for it many times."""

    pool: Pool

    def __hash__(self) -> int:
        """Hash once."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(self.pool)


@dataclass(frozen=True, kw_only=True)
class Site(Hardware):
    """A pool without what changes by the minute, and its hardware under no name."""

    hardware: Hardware

    __hash__ = Hardware.__hash__


def site_of(pool: Pool) -> Site:
    """Strip a pool of nodes and price, so that what was assessed stays valid while pods come and go."""
    lasting = replace(
        pool, nodes=(), nodes_known=True, max_nodes=None, price=None, counted_elsewhere=None, left_out=(), avoided=()
    )
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
    return Site(pool=lasting, hardware=Hardware(pool=hardware))


@lru_cache(maxsize=16_384)
def assess(shape: Shape, site: Site) -> tuple[Candidate, ...]:
    """Assess every tensor parallel size in a pool, smallest first; pools of equal hardware share the arithmetic."""
    refusal = FILTERS.refusal(shape, site.pool)
    if refusal is not None:
        return (_at(site.pool, 1).refused(refusal),)
    return tuple(_in_pool(site.pool.name, item) for item in _on_hardware(shape, site.hardware))


def assess_running(shape: Shape, pool: Pool, engine: EngineSettings) -> Candidate:
    """Assess settings that run already: that they fit is proved, only speed and count are estimated."""
    return _with_speed(shape, pool, engine, estimate_of(shape, pool, engine), probe=False)


@lru_cache(maxsize=16_384)
def _on_hardware(shape: Shape, hardware: Hardware) -> tuple[Candidate, ...]:
    pool = hardware.pool
    return tuple(_of_size(shape, pool, size) for size in parallel_sizes(pool.gpus_per_node))


def _in_pool(name: str, item: Candidate) -> Candidate:
    """Say of one pool what was worked out for its hardware."""
    refusal = item.refusal
    if refusal is None:
        return item.in_pool(name)
    return item.in_pool(name).refused(Refused(refusal.reason, lambda: refusal.message.replace(HERE, name)))


def _at(pool: Pool, size: int) -> Candidate:
    return Candidate(
        pool=pool.name, gpu_type=pool.gpu_type, capacity_type=pool.capacity_type, tensor_parallel_size=size
    )


def _of_size(shape: Shape, pool: Pool, size: int) -> Candidate:
    candidate, problem = _at(pool, size), memory.tensor_parallel_problem(shape.model, size)
    if problem is not None:
        return candidate.refused(Refused(Reason.TENSOR_PARALLEL_NOT_DIVISIBLE, problem))
    limit = shape.spec.placement.max_tensor_parallel_size
    if limit and size > limit:
        message = f"tensor parallel size {size} is above spec.placement.maxTensorParallelSize {limit}"
        return candidate.refused(Refused(Reason.TOO_MANY_GPUS, message))
    try:
        fit = fitting(shape, pool, engine_settings(shape.spec, shape.model, pool.reported_gpu, size))
    except ValueError as error:  # a quantisation or an engine version that the memory model does not know
        return candidate.refused(Refused(Reason.PRECISION_NOT_SUPPORTED, str(error)))
    if fit.refusal is not None and fit.refusal.reason is not Reason.TOO_CLOSE:
        return candidate.fitted(fit.engine, fit.memory).refused(fit.refusal)
    return _with_speed(shape, pool, fit.engine, fit.memory, probe=fit.refusal is not None)


def _with_speed(
    shape: Shape, pool: Pool, engine: EngineSettings, estimate: MemoryEstimate, *, probe: bool
) -> Candidate:
    speed = _speed(
        shape.model,
        pool.reported_gpu,
        engine,
        estimate,
        shape.traffic,
        shape.objectives,
        headroom=0.0,
        interconnect=pool.interconnect,
        calibration=speed_calibration(shape.calibrations, pool.gpu_type, engine),
    )
    hours = batch_hours(shape, pool.capacity_type, speed)
    slow = _too_slow(shape, speed, hours)
    return Candidate(
        pool=pool.name,
        gpu_type=pool.gpu_type,
        capacity_type=pool.capacity_type,
        tensor_parallel_size=engine.tensor_parallel_size,
        refusal=slow,
        engine=engine,
        memory=estimate,
        speed=speed,
        needed=1 if slow is not None else needed_replicas(shape, speed),
        hours=hours,
        probe=probe,
    )


def _too_slow(shape: Shape, speed: Speed, hours: float | None) -> Refused[Reason] | None:
    if not speed.meets_objectives:
        return Refused(Reason.TOO_SLOW, f"limited by {speed.limit}: {_best_reachable(shape, speed)}")
    batch = shape.spec.batch
    deadline = batch.deadline_seconds if batch is not None and batch.requests is not None else None
    if hours is not None and deadline and hours > DEADLINE_SHARE * deadline / SECONDS_PER_HOUR:
        return Refused(
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
