"""Reading measured serving runs: the columns known before the run become a model, a GPU, settings and a load.

In: a CSV in the form of benchmarks/data/throughput_cases.csv. Out: `Case`. Settings that reports leave out take what
the sweeps used: 90 % of the memory, no limit on sequences beyond the concurrency. Answers are never read here.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.throughput.checkpoints import checkpoint, guessed
from benchmarks.throughput.devices import device
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.model import Model
from inferfleet.domain.speed import Traffic

Row = Mapping[str, str]

# Rows that name no version, or a nightly build, are from 2025 and 2026.
UNNAMED_VERSION = "0.19.0"
CONTEXT_SLACK = 256
MOST_SEQUENCES = 1024
BATCHED_TOKENS = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One measured run: what was known before it. Without `concurrency` the offered rate or saturation decides."""

    case_id: str
    row: Row
    model: Model
    gpu: GPU
    n_gpu: int
    engine: EngineSettings
    traffic: Traffic
    concurrency: float | None
    request_rate: float | None
    guessed_shape: bool = False


def read_rows(path: Path) -> list[Row]:
    """Read all rows of a CSV file in order. Raises ValueError when the columns that name a case are missing."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"case_id", "model", "gpu", "n_gpu", "tp", "weight_dtype", "isl", "osl"} - set(
            reader.fieldnames or ()
        )
        if missing:
            raise ValueError(f"{path.name}: columns missing: {', '.join(sorted(missing))}")
        return list(reader)


def read_case(row: Row) -> Case | None:
    """Return the case of one row, None when its model, format, GPU or lengths are not known."""
    model, gpu = checkpoint(row["model"], row["weight_dtype"]), device(row["gpu"])
    input_tokens, output_tokens = number(row.get("isl")), number(row.get("osl"))
    if model is None or gpu is None or not input_tokens or not output_tokens or output_tokens < 1:
        return None
    n_gpu = int(number(row.get("n_gpu")) or number(row.get("tp")) or 1)
    return Case(
        case_id=row["case_id"],
        row=row,
        model=model,
        gpu=gpu,
        n_gpu=n_gpu,
        engine=EngineSettings(
            version=_version(row.get("engine_version") or ""),
            tensor_parallel_size=int(number(row.get("tp")) or n_gpu),
            max_model_len=int(input_tokens + output_tokens) + CONTEXT_SLACK,
            max_num_seqs=MOST_SEQUENCES,
            max_num_batched_tokens=BATCHED_TOKENS,
            gpu_memory_utilization=0.90,
        ),
        traffic=Traffic(input_tokens=round(input_tokens), output_tokens=round(output_tokens)),
        concurrency=number(row.get("concurrency")),
        request_rate=number(row.get("request_rate")),
        guessed_shape=guessed(row["model"]),
    )


def number(text: str | None) -> float | None:
    """Return a finite number above zero, None for anything else a cell may hold."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def _version(text: str) -> str:
    parts = text.strip().removeprefix("v").split(".")
    plain = len(parts) >= 2 and parts[0].isdecimal() and parts[1].isdecimal()
    return f"{parts[0]}.{parts[1]}.0" if plain else UNNAMED_VERSION
