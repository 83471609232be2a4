"""How far predictions are from what was measured: the error summaries of the speed benchmark.

In: cases whose rows hold answers, with one prediction each. Out: numbers and lines of text. Deterministic: no sampling.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import mean, median

from benchmarks.cases import Row, measured
from benchmarks.throughput.cases import Case
from benchmarks.throughput.predict import Prediction

LARGE_OVERESTIMATE = 0.30
# Two GPUs whose rates differ by less are not a pair to be ordered.
SMALLEST_DIFFERENCE = 0.05
EXPERIMENTAL = "token_position_decode_slo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A case with its answer and one prediction; `rate` is the measured output tokens per second."""

    case: Case
    prediction: Prediction
    rate: float

    @property
    def error(self) -> float:
        """Relative error of the rate; positive: too optimistic."""
        return self.prediction.output_tokens_per_second / self.rate - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Errors of one set of rows, as fractions; `overestimates` is the share of rows more than 30 % too optimistic."""

    rows: int
    median: float
    mean: float
    bias: float
    overestimates: float


def scored(pairs: Iterable[tuple[Case, Prediction]]) -> list[Scored]:
    """Keep the cases whose rows state the measured rate."""
    with_rate = ((case, prediction, measured(case.row, "out_tok_s")) for case, prediction in pairs)
    return [Scored(case=case, prediction=prediction, rate=rate) for case, prediction, rate in with_rate if rate]


def summarise(errors: Sequence[float]) -> Summary | None:
    """Return the summary of relative errors, None for no rows."""
    if not errors:
        return None
    sizes = [abs(error) for error in errors]
    return Summary(
        rows=len(errors),
        median=median(sizes),
        mean=mean(sizes),
        bias=median(errors),
        overestimates=sum(error > LARGE_OVERESTIMATE for error in errors) / len(errors),
    )


def steady(row: Row) -> bool:
    """Whether a row is a closed loop on vLLM: steady state, the kind that an estimate is compared with."""
    return row.get("engine") == "vllm" and row.get("load_kind") == "closed_loop"


def experimental(row: Row) -> bool:
    """Whether its authors call the campaign of a row experimental."""
    return EXPERIMENTAL in (row.get("source") or "")


LOAD = ("model", "weight_dtype", "tp", "n_gpu", "isl", "osl", "concurrency")
SETTING = ("model", "gpu", "tp", "n_gpu", "weight_dtype", "engine_version")


def _comparable(case: Case) -> bool:
    return steady(case.row) and not experimental(case.row)


SETS: tuple[tuple[str, Callable[[Case], bool]], ...] = (
    ("vLLM closed loop", _comparable),
    ("  dense", lambda case: _comparable(case) and case.model.experts is None),
    ("  mixture of experts", lambda case: _comparable(case) and case.model.experts is not None),
    ("vLLM closed loop, experimental campaign", lambda case: steady(case.row) and experimental(case.row)),
    ("vLLM open loop", lambda case: case.row.get("engine") == "vllm" and case.row.get("load_kind") == "open_loop"),
    ("other engines and load kinds", lambda case: case.row.get("engine") != "vllm"),
)


def pair_order(results: Sequence[Scored]) -> tuple[int, int]:
    """Return (pairs ordered right, pairs): the same load on two GPU types whose rates differ by over 5 %."""
    loads: dict[tuple[str, ...], dict[str, list[Scored]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        row = result.case.row
        key = tuple(
            row.get(name) or "" for name in ("model", "weight_dtype", "tp", "n_gpu", "isl", "osl", "concurrency")
        )
        loads[key][result.case.gpu.name].append(result)
    right = pairs = 0
    for by_gpu in loads.values():
        for first, second in combinations(by_gpu.values(), 2):
            ratio = median(item.rate for item in first) / median(item.rate for item in second)
            if abs(ratio - 1) <= SMALLEST_DIFFERENCE:
                continue
            predicted = _predicted(first) / _predicted(second)
            pairs += 1
            right += (ratio > 1) == (predicted > 1)
    return right, pairs


def _key(result: Scored, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(result.case.row.get(name) or "" for name in columns)


def _predicted(results: Sequence[Scored]) -> float:
    return median(item.prediction.output_tokens_per_second for item in results)


def calibrated_errors(results: Sequence[Scored]) -> list[float]:
    """Return errors after one live point: each row of a setting scales all the others of that setting."""
    groups: dict[tuple[str, ...], list[Scored]] = defaultdict(list)
    for result in results:
        groups[_key(result, SETTING)].append(result)
    errors: list[float] = []
    for members in groups.values():
        for point in members:
            scale = 1 / (1 + point.error)
            errors += [scale * (1 + other.error) - 1 for other in members if other is not point]
    return errors


def first_token_ratios(results: Sequence[Scored]) -> tuple[list[float], list[float]]:
    """Return measured time to first token divided by (our steady-state mean, the floor of the planning rule)."""
    means: list[float] = []
    floors: list[float] = []
    for result in results:
        seen = measured(result.case.row, "ttft_ms")
        if seen and result.prediction.time_to_first_token_ms and result.prediction.prefill_ms:
            means.append(seen / result.prediction.time_to_first_token_ms)
            floors.append(seen / result.prediction.prefill_ms)
    return means, floors
