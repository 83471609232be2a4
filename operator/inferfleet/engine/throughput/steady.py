"""Steady state of one replica: how many requests a second it finishes within its objectives, or at a given concurrency.

In: model, GPU, engine settings, the memory verdict, the request shape. Out: `Speed` or `LoadPoint`. Pure and cheap: a
step model is built once and bisected. Latency objectives are means at steady state; a headroom on them is the
caller's choice.
"""

from collections.abc import Callable
from dataclasses import dataclass

from inferfleet.api.enums import Confidence, Interconnect
from inferfleet.domain.calibration import SpeedCalibration
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.memory import MemoryEstimate
from inferfleet.domain.model import Model
from inferfleet.domain.speed import Speed, SpeedLimit
from inferfleet.domain.traffic import Objectives, Traffic
from inferfleet.engine.memory.formats import weight_format
from inferfleet.engine.throughput.budget import TokenBudget, token_budget
from inferfleet.engine.throughput.ceiling import ceiling_of
from inferfleet.engine.throughput.confidence import confidence
from inferfleet.engine.throughput.footprint import footprint
from inferfleet.engine.throughput.kernels import FIRST_TOKEN_SECONDS
from inferfleet.engine.throughput.step import StepModel, step_model

MILLI = 1e3
# A queue of prompts stays short below this share of prefill time (throughput notes 3.5; the public contract, section
# 5).
PREFILL_UTILIZATION_CAP = 0.65
# Half of the time-to-first-token target is left for queueing: closed-loop bursts measure 2 to 6 times the prefill time.
FIRST_TOKEN_SHARE = 0.5
SMALLEST_BATCH = 1e-3
BISECTIONS = 24
EDGE = 1e-6  # share of the ceiling; wider than what the bisection leaves open


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPoint:
    """One replica under a fixed number of concurrent requests: `running` of them decode, the others wait or prefill."""

    concurrency: float
    running: float
    time_per_output_token_ms: float
    time_to_first_token_ms: float
    prefill_ms: float
    output_tokens_per_second: float
    requests_per_second: float
    confidence: Confidence
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replica:
    """A step model with its request shape and live scale; `ceiling` is the largest batch, and `limit` what sets it."""

    step: StepModel
    budget: TokenBudget
    output_tokens: float
    scale: float
    ceiling: float
    limit: SpeedLimit
    confidence: Confidence
    notes: tuple[str, ...]

    def token_seconds(self, batch: float) -> float:
        return self.step.token_seconds(batch, self.output_tokens) * self.scale

    def rate(self, batch: float) -> float:
        return batch / (self.output_tokens * self.token_seconds(batch))

    def prefill_seconds(self) -> float:
        return self.step.prefill_seconds * self.scale

    def prefill_utilization(self, batch: float) -> float:
        return self.rate(batch) * self.prefill_seconds()

    def chunk_seconds(self, batch: float) -> float:
        """Seconds that the steps after the first, over which the token budget spreads a prompt, add to its prefill."""
        steps = self.budget.steps(batch)
        return (steps - 1) * self.step.chunk_seconds(batch, steps) * self.scale if steps > 1 else 0.0

    def shortest_first_token(self) -> float:
        """Seconds to the first token of a prompt that has the engine for itself."""
        return self.prefill_seconds() + self.chunk_seconds(0.0) + FIRST_TOKEN_SECONDS


def estimate(  # noqa: PLR0917 - the six facts of a candidate, in the order in which they are found
    model: Model,
    gpu: GPU,
    engine: EngineSettings,
    memory: MemoryEstimate,
    traffic: Traffic,
    objectives: Objectives,
    *,
    headroom: float,
    interconnect: Interconnect | None = None,
    calibration: SpeedCalibration | None = None,
) -> Speed:
    """Return the steady state of one replica at the largest concurrency that keeps the objectives.

    `headroom` (0.2 = 20 %) is added to the predicted time per output token before it is compared. `interconnect`
    overrides the GPU type's. Objectives of None do not bind: batch work runs at the throughput optimum, which is the
    largest batch. With a target for the first token, prompts may take at most 65 % of the time and their prefill half
    of the target. Pooling models and `output_tokens` 0 are sized by prefill alone. Raises UnknownFormatError.
    """
    replica = _replica(
        model, gpu, engine, memory, traffic, link=interconnect or gpu.interconnect, calibration=calibration
    )
    if model.pooling or traffic.output_tokens == 0:
        return _prefill_only(replica, objectives)
    best = replica.step.decode_seconds(1.0) * replica.scale
    first = replica.shortest_first_token()
    if _misses_first_token(first, objectives):
        return _speed(replica, 0.0, best, first, SpeedLimit.TIME_TO_FIRST_TOKEN)
    target = objectives.time_per_output_token_ms
    allowed = None if target is None else target / MILLI / (1 + headroom)
    if allowed is not None and best > allowed:
        return _speed(replica, 0.0, best, first, SpeedLimit.TIME_PER_OUTPUT_TOKEN)
    capped = objectives.time_to_first_token_ms is not None
    batch, limit = _largest_batch(replica, allowed, capped=capped)
    return _speed(replica, batch, best, first, limit)


def at_concurrency(
    model: Model,
    gpu: GPU,
    engine: EngineSettings,
    memory: MemoryEstimate,
    traffic: Traffic,
    *,
    concurrency: float,
    interconnect: Interconnect | None = None,
    calibration: SpeedCalibration | None = None,
) -> LoadPoint:
    """Return what a closed loop of `concurrency` requests measures on one replica: each ends and is replaced at once.

    Requests beyond the KV cache or max_num_seqs wait, which shows in the time to first token. That time is a mean
    over steady state (prefill with an M/D/1 queue of prompts, plus one step); synchronised bursts measure several
    times more. Raises ValueError for a concurrency of 0 or less or a shape without output tokens.
    """
    if concurrency <= 0 or traffic.output_tokens <= 0:
        raise ValueError(
            f"concurrency {concurrency} and output_tokens {traffic.output_tokens}: a closed loop needs both above 0"
        )
    replica = _replica(
        model, gpu, engine, memory, traffic, link=interconnect or gpu.interconnect, calibration=calibration
    )

    def fits(batch: float) -> bool:
        return batch + replica.rate(batch) * _first_token_seconds(replica, batch) <= concurrency

    running = _bisect(fits, min(concurrency, replica.ceiling))
    rate = replica.rate(running)
    token = replica.token_seconds(running)
    waiting = concurrency / rate - traffic.output_tokens * token
    return LoadPoint(
        concurrency=concurrency,
        running=running,
        time_per_output_token_ms=token * MILLI,
        time_to_first_token_ms=max(waiting, _first_token_seconds(replica, running)) * MILLI,
        prefill_ms=replica.shortest_first_token() * MILLI,
        output_tokens_per_second=rate * traffic.output_tokens,
        requests_per_second=rate,
        confidence=replica.confidence,
        notes=replica.notes,
    )


def _replica(
    model: Model,
    gpu: GPU,
    engine: EngineSettings,
    memory: MemoryEstimate,
    traffic: Traffic,
    *,
    link: Interconnect,
    calibration: SpeedCalibration | None,
) -> _Replica:
    layout = weight_format(model, engine)
    costs = footprint(model, engine, layout)
    trust, notes = confidence(model, gpu, engine, layout, link)
    budget = token_budget(engine, traffic)
    ceiling, limit = ceiling_of(costs, engine, memory, traffic, budget)
    return _Replica(
        step=step_model(costs, layout, gpu, engine, traffic=traffic, link=link),
        budget=budget,
        output_tokens=budget.output_tokens,
        scale=1.0 if calibration is None else calibration.scale,
        ceiling=max(SMALLEST_BATCH, ceiling),
        limit=limit,
        confidence=trust if calibration is None else calibration.confidence,
        notes=notes,
    )


def _misses_first_token(first: float, objectives: Objectives) -> bool:
    target = objectives.time_to_first_token_ms
    return target is not None and first * MILLI > target * FIRST_TOKEN_SHARE


def _largest_batch(replica: _Replica, allowed: float | None, *, capped: bool) -> tuple[float, SpeedLimit]:
    """Return the largest batch that keeps the limits, and the limit that stops it from growing.

    Both limits are monotone in the batch. Batches below 1 mean a replica that is idle part of the time, or one whose
    token budget is smaller than a prompt.
    """
    ceiling, limit = replica.ceiling, replica.limit
    if capped and (within := replica.budget.largest_batch(PREFILL_UTILIZATION_CAP)) < ceiling:
        ceiling, limit = max(SMALLEST_BATCH, within), SpeedLimit.MAX_NUM_BATCHED_TOKENS

    def holds(batch: float) -> bool:
        seconds = replica.token_seconds(batch)
        busy = batch / (replica.output_tokens * seconds) * replica.prefill_seconds()
        return (allowed is None or seconds <= allowed) and not (capped and busy > PREFILL_UTILIZATION_CAP)

    if holds(ceiling):
        return ceiling, limit
    batch = _bisect(holds, ceiling)
    slow = allowed is not None and replica.token_seconds(batch + EDGE * ceiling) > allowed
    return batch, SpeedLimit.TIME_PER_OUTPUT_TOKEN if slow else SpeedLimit.PREFILL


def _bisect(holds: Callable[[float], bool], ceiling: float) -> float:
    """Return the largest batch up to `ceiling` for which a condition that ends somewhere still holds."""
    if holds(ceiling):
        return ceiling
    low, high = 0.0, ceiling
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return max(low, SMALLEST_BATCH * ceiling * 1e-6)


def _first_token_seconds(replica: _Replica, batch: float) -> float:
    """Mean time to first token without waiting for a slot: one step, the prefill, and the prompts before it (M/D/1).

    Prompts queue for the engine's time or for the tokens of its steps, whichever is scarcer.
    """
    busy = min(max(replica.prefill_utilization(batch), replica.budget.prompt_share(batch)), 0.99)
    queue = busy / (2 * (1 - busy))
    own = replica.prefill_seconds() + replica.chunk_seconds(batch)
    return FIRST_TOKEN_SECONDS + replica.token_seconds(batch) + own * (1 + queue)


def _prefill_only(replica: _Replica, objectives: Objectives) -> Speed:
    """Size by prompts alone: each costs its prefill and its share of the steps that max_num_batched_tokens fills."""
    steps = max(1.0, replica.budget.prompt_tokens) / replica.budget.per_step
    step_seconds = (replica.step.overhead_fixed + replica.step.read_fixed) * replica.scale
    seconds = replica.prefill_seconds() + steps * step_seconds
    first = replica.prefill_seconds() + max(1.0, steps) * step_seconds + FIRST_TOKEN_SECONDS
    misses = _misses_first_token(first, objectives)
    busy = 1.0 if objectives.time_to_first_token_ms is None else PREFILL_UTILIZATION_CAP
    rate = 0.0 if misses else busy / seconds
    return Speed(
        requests_per_second=rate,
        concurrency=rate * first,
        time_per_output_token_ms=0.0,
        best_time_per_output_token_ms=0.0,
        prefill_ms=first * MILLI,
        prefill_utilization=rate * seconds,
        output_tokens_per_second=0.0,
        limit=SpeedLimit.TIME_TO_FIRST_TOKEN if misses else SpeedLimit.PREFILL,
        confidence=replica.confidence,
        scale=replica.scale,
        notes=replica.notes,
    )


def _speed(replica: _Replica, batch: float, best: float, first: float, limit: SpeedLimit) -> Speed:
    rate = replica.rate(batch) if batch > 0 else 0.0
    return Speed(
        requests_per_second=rate,
        concurrency=batch,
        time_per_output_token_ms=(replica.token_seconds(batch) if batch > 0 else best) * MILLI,
        best_time_per_output_token_ms=best * MILLI,
        prefill_ms=first * MILLI,
        prefill_utilization=replica.prefill_utilization(batch) if batch > 0 else 0.0,
        output_tokens_per_second=rate * replica.output_tokens,
        limit=limit,
        confidence=replica.confidence,
        scale=replica.scale,
        notes=replica.notes,
    )
