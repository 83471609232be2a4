"""Reading cases of real vLLM start-ups: the columns known before the start become a model, a GPU and engine settings.

In: a CSV in the form of benchmarks/data/vllm_memory_cases.csv. Out: `Case`. Blank cells take the defaults that vLLM of
that version would have used on that device (memory-model.md, "How vLLM decides"). Answers are never read here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from benchmarks.cases import CellError, Row, flag, number, whole
from benchmarks.memory.defaults import defaults
from benchmarks.memory.devices import device, known
from inferfleet.catalog.models import find_model
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.model import Model, UnknownModel

REQUIRED = ("case_id", "model_id", "gpu_model", "tensor_parallel_size", "max_model_len")
# One version for each group of versions, where the log did not show it or named one of another engine generation.
_REPRESENTATIVE = {
    "V0 before 0.6.3": ("0.5.4", (0, 0), (0, 5)),
    "V0 0.6.3 or later": ("0.7.3", (0, 6), (0, 7)),
    "V1 up to 0.16": ("0.11.0", (0, 8), (0, 16)),
    "V1 0.17-0.26": ("0.19.0", (0, 17), (0, 26)),
    "V1 0.27 or later": ("0.29.0", (0, 27), (9, 0)),
}
# What the quantization column may say of a checkpoint that the catalogue does not know as quantised; first match wins.
_LABELS = (
    ("mxfp4", "mxfp4"), ("nvfp4", "nvfp4"), ("bitsandbytes", "bitsandbytes"), ("bnb", "bitsandbytes"), ("fp8", "fp8"),
    ("int8", "int8"), ("w8a8", "int8"), ("8bit", "int8"), ("awq", "awq"), ("gptq", "gptq"), ("aqlm", "aqlm"),
    ("int4", "int4"), ("w4a16", "int4"), ("4bit", "int4"),
)  # fmt: skip
_NOT_QUANTISED = frozenset({"", "none", "no", "bf16", "bfloat16", "fp16", "float16", "16bit"})
_DTYPES = {
    "": "bfloat16", "auto": "bfloat16", "bfloat16": "bfloat16", "bf16": "bfloat16", "float16": "float16",
    "fp16": "float16", "half": "float16", "float32": "float32", "fp32": "float32", "float": "float32",
}  # fmt: skip
_CACHE_DTYPE = re.compile(r"auto|bfloat16|float16|float32|(fp8|int8)\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One start-up: what was known before it."""

    case_id: str
    row: Row
    model: Model | UnknownModel
    gpu: GPU
    usable_gib: float
    engine: EngineSettings


def read_case(row: Row) -> Case:
    """Turn one row into a case. Raises CellError for a cell that means nothing."""
    name, total = row.get("gpu_model", ""), number(row, "gpu_total_gib")
    if name and total is None and not known(name):
        raise CellError("gpu_model", name, "a known GPU, or its memory in gpu_total_gib")
    gpu, typical = device(name)
    usable = total or typical
    model = _model(row)
    return Case(
        case_id=row["case_id"],
        row=row,
        model=model,
        gpu=gpu,
        usable_gib=usable,
        engine=_engine(row, model, usable),
    )


def _model(row: Row) -> Model | UnknownModel:
    model = find_model(row["model_id"])
    label = row.get("quantization", "").lower()
    if isinstance(model, UnknownModel) or model.quantization is not None:
        return model
    method = next((name for part, name in _LABELS if part in label), None)
    if method is None and label not in _NOT_QUANTISED:
        raise CellError("quantization", label, "the name of a weight format, such as fp8, awq or int4")
    return replace(model, quantization=method)


def _engine(row: Row, model: Model | UnknownModel, usable: float) -> EngineSettings:
    version = _version(row)
    unset = defaults(
        tuple(int(part) for part in version.split(".")),
        row.get("gpu_model", ""),
        usable,
        first_generation=row.get("engine", "V1") == "V0",
    )
    longest = model.max_position_embeddings if isinstance(model, Model) else 8192
    expert_gpus = whole(row, "expert_parallel_gpus", least=0) or 0
    size = whole(row, "tensor_parallel_size") or 1
    return EngineSettings(
        version=version,
        tensor_parallel_size=size,
        max_model_len=whole(row, "max_model_len") or longest,
        max_num_seqs=whole(row, "max_num_seqs") or unset.max_num_seqs,
        max_num_batched_tokens=whole(row, "max_num_batched_tokens") or unset.max_num_batched_tokens,
        gpu_memory_utilization=number(row, "gpu_memory_utilization") or unset.gpu_memory_utilization,
        kv_cache_dtype=_cache_dtype(row),
        dtype=_dtype(row),
        enforce_eager=flag(row, "enforce_eager"),
        pipeline_parallel_size=whole(row, "pipeline_parallel_size") or 1,
        expert_parallel=expert_gpus > 1,
        data_parallel_size=max(1, expert_gpus // size),
    )


def _dtype(row: Row) -> str:
    text = row.get("dtype", "")
    if text.lower() not in _DTYPES:
        raise CellError("dtype", text, ", ".join(name for name in _DTYPES if name))
    return _DTYPES[text.lower()]


def _cache_dtype(row: Row) -> str:
    text = row.get("kv_cache_dtype", "") or "auto"
    if _CACHE_DTYPE.fullmatch(text) is None:
        raise CellError("kv_cache_dtype", text, "auto, a 16-bit type, float32, or one that begins with fp8 or int8")
    return text


def _version(row: Row) -> str:
    """Return the stated version as major.minor.patch, else the representative of the row's era."""
    stated = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?(?=[.\s]|rc|$)", row.get("vllm_version", ""))
    era = row.get("era", "")
    representative, since, until = _REPRESENTATIVE.get(era, ("0.19.0", (0, 0), (9, 0)))
    if stated is None or not since <= (int(stated[1]), int(stated[2])) <= until:
        return representative
    return f"{stated[1]}.{stated[2]}.{stated[3] or 0}"


def duplicates(cases: Iterable[Case]) -> set[str]:
    """Return ids of cases that repeat an earlier start-up except for the length: weights and pool count once."""
    seen: set[tuple[object, ...]] = set()
    repeated: set[str] = set()
    for case in cases:
        row = case.row
        key = (row["model_id"].casefold(), case.usable_gib, replace(case.engine, max_model_len=1))
        if key in seen:
            repeated.add(case.case_id)
        seen.add(key)
    return repeated
