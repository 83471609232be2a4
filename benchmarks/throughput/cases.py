"""Reading measured serving runs: the columns known before the run become a model, a GPU, settings and a load.

In: a CSV in the form of benchmarks/data/throughput_cases.csv. Out: `Case`. Settings that reports leave out take what
the sweeps used: 90 % of the memory, no limit on sequences beyond the concurrency. Answers are never read here.
"""

from dataclasses import dataclass

from benchmarks.cases import CellError, Row, number, whole
from benchmarks.throughput.checkpoints import WEIGHT_DTYPES, checkpoint
from benchmarks.throughput.devices import device
from benchmarks.throughput.doubts import doubtful, refuse_impossible
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.model import Model
from inferfleet.domain.traffic import Traffic

REQUIRED = ("case_id", "model", "gpu", "n_gpu", "tp", "weight_dtype", "isl", "osl")
# Rows that name no version, or a nightly build, are from 2025 and 2026.
UNNAMED_VERSION = "0.19.0"
CONTEXT_SLACK = 256
MOST_SEQUENCES = 1024
BATCHED_TOKENS = 8192
LONGEST_TOKENS = 10_000_000


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
    doubtful: bool = False


def read_case(row: Row) -> Case:
    """Return the case of one row. Raises CellError where its model, format, GPU, size, lengths or load mean nothing."""
    model, gpu = _model(row), _gpu(row)
    size, n_gpu = _sizes(row)
    input_tokens, output_tokens = _length(row, "isl"), _length(row, "osl")
    traffic = Traffic(input_tokens=round(input_tokens), output_tokens=round(output_tokens))
    engine = EngineSettings(
        version=_version(row.get("engine_version", "")),
        tensor_parallel_size=size,
        max_model_len=int(input_tokens + output_tokens) + CONTEXT_SLACK,
        max_num_seqs=MOST_SEQUENCES,
        max_num_batched_tokens=BATCHED_TOKENS,
        gpu_memory_utilization=0.90,
    )
    refuse_impossible(row, model, gpu, engine=engine, n_gpu=n_gpu, traffic=traffic)
    return Case(
        case_id=row["case_id"],
        row=row,
        model=model,
        gpu=gpu,
        n_gpu=n_gpu,
        engine=engine,
        traffic=traffic,
        concurrency=number(row, "concurrency"),
        request_rate=_request_rate(row),
        doubtful=doubtful(row, model, traffic),
    )


def _model(row: Row) -> Model:
    name, label = row["model"], row["weight_dtype"]
    if label.casefold() not in WEIGHT_DTYPES:
        raise CellError("weight_dtype", label, ", ".join(sorted(filter(None, WEIGHT_DTYPES))))
    model = checkpoint(name, label)
    if model is None:
        raise CellError("model", name, "a model of `inferfleet catalog models`, a fine-tune, or a dense model's size")
    return model


def _gpu(row: Row) -> GPU:
    gpu = device(row["gpu"])
    if gpu is None:
        raise CellError("gpu", row["gpu"], "a GPU of `inferfleet catalog gpus`")
    return gpu


def _sizes(row: Row) -> tuple[int, int]:
    """Return (tensor parallel size, GPUs), each taken from the other where it is blank; reports write 0 GPUs, too."""
    size, n_gpu = whole(row, "tp"), whole(row, "n_gpu", least=0)
    return size or n_gpu or 1, n_gpu or size or 1


def _length(row: Row, column: str) -> float:
    """Return a mean length in tokens; no run is shorter than one or longer than any model's context."""
    length = number(row, column)
    if length is None or not 1 <= length <= LONGEST_TOKENS:
        raise CellError(column, row[column], f"a number of tokens from 1 to {LONGEST_TOKENS}")
    return length


def _request_rate(row: Row) -> float | None:
    """Return the offered requests per second; `inf` is what load generators call sending all at once."""
    return None if row.get("request_rate", "").casefold() == "inf" else number(row, "request_rate")


def _version(text: str) -> str:
    parts = text.strip().removeprefix("v").split(".")
    plain = len(parts) >= 2 and parts[0].isdecimal() and parts[1].isdecimal()
    return f"{parts[0]}.{parts[1]}.0" if plain else UNNAMED_VERSION
