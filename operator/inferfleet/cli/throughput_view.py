"""The answer of `inferfleet throughput` as values and as a table.

In: a `Setup` and a `Load`. Out: a `SpeedAnswer` and its two forms. The estimate is the planner's own.
"""

import math
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from inferfleet.cli.engine_setup import Setup, estimate, start_problem
from inferfleet.cli.exit import BadInput
from inferfleet.domain.memory import Fit
from inferfleet.domain.speed import Speed
from inferfleet.domain.traffic import Objectives, Traffic
from inferfleet.engine import memory, throughput
from inferfleet.engine.throughput import LoadPoint

DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The request shape, and either a fixed concurrency or objectives in milliseconds (None: no limit)."""

    traffic: Traffic
    concurrency: float | None
    time_per_output_token_ms: float | None
    time_to_first_token_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedAnswer:
    """A question and the answer of the speed model; `speed` is None where the engine would not start."""

    asked: Setup
    load: Load
    fit: Fit
    speed: Speed | LoadPoint | None
    problem: str | None = None

    @property
    def possible(self) -> bool:
        """Whether the engine starts and any rate keeps the objectives."""
        return self.problem is None


def answer_of(asked: Setup, load: Load) -> SpeedAnswer:
    """Ask the speed model. Raises `BadInput` for settings or a load that make no sense."""
    _check(load)
    found = estimate(asked)
    problem = memory.tensor_parallel_problem(asked.model, asked.engine.tensor_parallel_size)
    if problem is None and (refusal := start_problem(asked)) is not None:
        problem = refusal[1]
    if problem is None and found.fit is Fit.DOES_NOT_FIT:
        problem = f"does not fit: {found.margin_gib:+.2f} GiB per GPU are missing; `inferfleet fit` shows the terms"
    if problem is not None:
        return SpeedAnswer(asked=asked, load=load, fit=Fit.DOES_NOT_FIT, speed=None, problem=problem)
    if load.concurrency is not None and load.traffic.output_tokens and not asked.model.pooling:
        point = throughput.at_concurrency(
            asked.model,
            asked.gpu,
            asked.engine,
            found,
            load.traffic,
            concurrency=load.concurrency,
            interconnect=asked.interconnect,
        )
        return SpeedAnswer(asked=asked, load=load, fit=found.fit, speed=point)
    speed = throughput.estimate(
        asked.model,
        asked.gpu,
        asked.engine,
        found,
        load.traffic,
        Objectives(
            time_per_output_token_ms=load.time_per_output_token_ms, time_to_first_token_ms=load.time_to_first_token_ms
        ),
        headroom=0.0,
        interconnect=asked.interconnect,
    )
    missed = None if speed.meets_objectives else _missed(speed)
    return SpeedAnswer(asked=asked, load=load, fit=found.fit, speed=speed, problem=missed)


def _check(load: Load) -> None:
    flags = {
        "--concurrency": load.concurrency,
        "--time-per-output-token": load.time_per_output_token_ms,
        "--time-to-first-token": load.time_to_first_token_ms,
    }
    for flag, value in flags.items():
        if value is not None and not (math.isfinite(value) and value > 0):
            raise BadInput(f"{flag}: {value:g} must be a number above 0")


def _missed(speed: Speed) -> str:
    return (
        f"no rate keeps the objectives (limited by {speed.limit}): the best is "
        f"{speed.best_time_per_output_token_ms:.1f} ms per output token and {speed.prefill_ms:.0f} ms of prefill, of "
        "which twice must fit into the time to first token"
    )


def values_of(found: SpeedAnswer) -> dict[str, object]:
    """Return the answer for JSON and YAML; times in milliseconds."""
    speed, engine = found.speed, found.asked.engine
    return {
        "model": found.asked.model.id,
        "gpu": found.asked.gpu.name,
        "tensorParallelSize": engine.tensor_parallel_size,
        "engineVersion": engine.version,
        "inputTokens": found.load.traffic.input_tokens,
        "outputTokens": found.load.traffic.output_tokens,
        "fit": found.fit.value,
        "meetsObjectives": found.possible,
        "message": found.problem or "",
        **(_common(speed) if speed else {}),
        **(_at_objectives(speed) if isinstance(speed, Speed) else {}),
        **(_at_load(speed) if isinstance(speed, LoadPoint) else {}),
    }


def _common(speed: Speed | LoadPoint) -> dict[str, object]:
    return {
        "requestsPerSecond": round(speed.requests_per_second, DIGITS),
        "outputTokensPerSecond": round(speed.output_tokens_per_second, DIGITS),
        "timePerOutputTokenMilliseconds": round(speed.time_per_output_token_ms, DIGITS),
        "prefillMilliseconds": round(speed.prefill_ms, DIGITS),
        "concurrency": round(speed.concurrency, DIGITS),
        "confidence": speed.confidence.value,
        "notes": list(speed.notes),
    }


def _at_objectives(speed: Speed) -> dict[str, object]:
    return {
        "limit": speed.limit.value,
        "bestTimePerOutputTokenMilliseconds": round(speed.best_time_per_output_token_ms, DIGITS),
        "prefillUtilization": round(speed.prefill_utilization, DIGITS),
    }


def _at_load(point: LoadPoint) -> dict[str, object]:
    return {
        "running": round(point.running, DIGITS),
        "timeToFirstTokenMilliseconds": round(point.time_to_first_token_ms, DIGITS),
    }


def table_of(found: SpeedAnswer) -> RenderableType:
    """Return what a person reads: one line per figure, then what limits it and how sure it is."""
    asked, speed, traffic = found.asked, found.speed, found.load.traffic
    head = Text(
        f"{asked.model.id} on {asked.engine.tensor_parallel_size} x {asked.gpu.name}, vLLM {asked.engine.version}, "
        f"{traffic.input_tokens} tokens in, {traffic.output_tokens} out",
        style="bold",
    )
    problem = [Text(f"no: {found.problem}", style="red")] if found.problem else []
    if speed is None:
        return Group(head, *problem)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in _rows(speed):
        table.add_row(name, value)
    notes = [Text(f"note: {text}") for text in speed.notes]
    return Group(head, table, *problem, *notes)


def _rows(speed: Speed | LoadPoint) -> list[tuple[str, str]]:
    rows = [
        ("requests per second", f"{speed.requests_per_second:.2f}"),
        ("output tokens per second", f"{speed.output_tokens_per_second:.0f}"),
        ("time per output token, ms", f"{speed.time_per_output_token_ms:.1f}"),
        ("prefill of one request, ms", f"{speed.prefill_ms:.0f}"),
        ("requests at once", f"{speed.concurrency:.1f}"),
    ]
    if isinstance(speed, Speed):
        rows += [
            ("best time per output token, ms", f"{speed.best_time_per_output_token_ms:.1f}"),
            ("share of time spent on prompts", f"{speed.prefill_utilization:.0%}"),
            ("limited by", speed.limit.value),
        ]
    else:
        rows += [
            ("of them decoding", f"{speed.running:.1f}"),
            ("time to first token, ms", f"{speed.time_to_first_token_ms:.0f}"),
        ]
    return [*rows, ("confidence", speed.confidence.value)]
