"""The answer of `inferfleet fit` as values and as a table with a bar per term.

In: a `Setup`. Out: a `FitAnswer`, its values under the names of `status.memory` but as numbers, and a rich table. The
estimate is the planner's own; nothing is computed here beyond sums for display.
"""

from dataclasses import dataclass, fields

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from inferfleet.api.reasons import Reason
from inferfleet.cli.engine_setup import Setup, estimate, start_problem
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import Fit, MemoryEstimate, MemoryTerm
from inferfleet.engine import memory

BAR_WIDTH = 40
# Digits after the point in JSON: tenths of a MiB, beyond what anybody can measure.
DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FitAnswer:
    """A question and the answer of the memory model; `estimate` is None where the model cannot even be split.

    `refused`: vLLM would not start with any memory; the estimate then says what such weights would take.
    """

    asked: Setup
    estimate: MemoryEstimate | None
    reason: str
    message: str
    remedies: tuple[memory.Remedy, ...] = ()
    refused: bool = False

    @property
    def verdict(self) -> Fit:
        """The memory model's verdict; a model that cannot be split or loaded like this does not fit."""
        return self.estimate.fit if self.estimate and not self.refused else Fit.DOES_NOT_FIT

    @property
    def fits(self) -> bool:
        """Whether it fits by more than the error of the estimate."""
        return self.verdict is Fit.FITS


def answer_of(asked: Setup) -> FitAnswer:
    """Ask the memory model. Raises `BadInput` for settings that it refuses."""
    found = estimate(asked)
    problem = memory.tensor_parallel_problem(asked.model, asked.engine.tensor_parallel_size)
    if problem is not None:
        return FitAnswer(asked=asked, estimate=None, reason=Reason.TENSOR_PARALLEL_NOT_DIVISIBLE.value, message=problem)
    refusal = start_problem(asked)
    if refusal is not None:
        why, message = refusal
        return FitAnswer(asked=asked, estimate=found, reason=why.value, message=message, refused=True)
    reason, message = _judgement(asked.engine, found)
    remedies = memory.remedies(asked.model, asked.gpu, asked.engine, interconnect=asked.interconnect)
    return FitAnswer(asked=asked, estimate=found, reason=reason, message=message, remedies=remedies)


def _judgement(engine: EngineSettings, found: MemoryEstimate) -> tuple[str, str]:
    offered = found.usable_gib * found.utilization
    numbers = f"needs {found.required_gib:.2f} GiB per GPU of {offered:.2f} GiB ({found.utilization:g} of usable)"
    margin = f"margin {found.margin_gib:+.2f} GiB, error of the estimate {found.band_gib:.2f} GiB"
    if found.fit is Fit.FITS:
        return Fit.FITS.value, f"{numbers}; {margin}"
    if found.fit is Fit.TOO_CLOSE:
        return Reason.TOO_CLOSE.value, f"{numbers}; {margin}: it may start or fail"
    if found.binding is MemoryTerm.CONTEXT:
        length = found.longest_context
        return (
            Reason.CONTEXT_DOES_NOT_FIT.value,
            f"{numbers}; {margin}: one request of {engine.max_model_len} tokens does not fit, {length} do",
        )
    return Reason.DOES_NOT_FIT.value, f"{numbers}; {margin}: weights and working memory leave nothing to cache"


def values_of(found: FitAnswer) -> dict[str, object]:
    """Return the answer for JSON and YAML: verdict, reason, `status.memory` as numbers, and what was asked."""
    asked, engine = found.asked, found.asked.engine
    return {
        "verdict": found.verdict.value,
        "reason": found.reason,
        "message": found.message,
        **_terms(found.estimate),
        "model": asked.model.id,
        "gpu": asked.gpu.name,
        "engine": {
            "version": engine.version,
            "tensorParallelSize": engine.tensor_parallel_size,
            "maxModelLen": engine.max_model_len,
            "maxNumSeqs": engine.max_num_seqs,
            "maxNumBatchedTokens": engine.max_num_batched_tokens,
            "gpuMemoryUtilization": engine.gpu_memory_utilization,
            "kvCacheDtype": engine.kv_cache_dtype,
            "quantization": asked.model.quantization or engine.quantization,
            "dtype": engine.dtype,
            "enforceEager": engine.enforce_eager,
            "enableExpertParallel": engine.expert_parallel,
        },
        "remedies": [
            {
                "change": remedy.change.value,
                "flags": changed_flags(engine, remedy.engine),
                "marginGiB": round(remedy.estimate.margin_gib, DIGITS),
            }
            for remedy in found.remedies
        ],
    }


def changed_flags(before: EngineSettings, after: EngineSettings) -> str:
    """Write what differs as vLLM flags: `--max-num-seqs 128`."""
    names = [field.name for field in fields(after) if getattr(before, field.name) != getattr(after, field.name)]
    return " ".join(f"--{name.replace('_', '-')} {getattr(after, name)}" for name in names)


def _terms(found: MemoryEstimate | None) -> dict[str, object]:
    """Write the terms with all their keys, null where the model cannot even be split."""
    return {
        "weightsGiB": found and round(found.weights_gib, DIGITS),
        "activationGiB": found and round(found.activation_gib, DIGITS),
        "nonTorchGiB": found and round(found.non_torch_gib, DIGITS),
        "cudaGraphGiB": found and round(found.cuda_graph_gib, DIGITS),
        "kvCacheGiB": found and round(found.kv_cache_gib, DIGITS),
        "kvCacheTokens": found and found.kv_cache_tokens,
        "maxConcurrency": found and round(found.max_concurrency, DIGITS),
        "usableGiB": found and round(found.usable_gib, DIGITS),
        "utilization": found and found.utilization,
        "marginGiB": found and round(found.margin_gib, DIGITS),
        "confidence": found and found.confidence.value,
        "bandGiB": found and round(found.band_gib, DIGITS),
        "requiredGiB": found and round(found.required_gib, DIGITS),
        "requiredKVCacheGiB": found and round(found.required_kv_gib, DIGITS),
        "longestModelLen": found and found.longest_context,
        "notes": list(found.notes) if found else [],
    }


def table_of(found: FitAnswer) -> RenderableType:
    """Return what a person reads: one line per term, then the verdict."""
    asked = found.asked
    head = Text(
        f"{asked.model.id} on {asked.gpu.name}, tensor parallel size {asked.engine.tensor_parallel_size}, "
        f"vLLM {asked.engine.version}",
        style="bold",
    )
    style = {Fit.FITS: "green", Fit.TOO_CLOSE: "yellow", Fit.DOES_NOT_FIT: "red"}[found.verdict]
    verdict = Text.assemble((found.verdict.value, f"bold {style}"), f": {found.message}")
    if found.estimate is None:
        return Group(head, verdict)
    notes = [Text(f"note: {text}") for text in found.estimate.notes]
    remedies = [
        Text(
            f"would fit with {changed_flags(asked.engine, remedy.engine)}: margin {remedy.estimate.margin_gib:+.1f} GiB"
        )
        for remedy in found.remedies
    ]
    return Group(head, _term_table(asked.engine, found.estimate), verdict, *remedies, *notes, _settings(asked.engine))


def _term_table(engine: EngineSettings, found: MemoryEstimate) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("per GPU")
    table.add_column("GiB", justify="right")
    table.add_column(f"of {found.usable_gib:.2f} usable", width=BAR_WIDTH)
    table.add_column("")
    rows = (
        ("weights", found.weights_gib, "Model loading took"),
        ("activation peak", found.activation_gib, f"one step of {engine.max_num_batched_tokens} tokens"),
        ("non-torch", found.non_torch_gib, "driver, communication buffers"),
        ("CUDA graphs", found.cuda_graph_gib, "Graph capturing finished"),
        (
            "KV cache",
            found.kv_cache_gib,
            f"Available KV cache memory: {found.kv_cache_tokens} tokens, {found.max_concurrency:.1f} full requests",
        ),
        ("  one request", found.required_kv_gib, f"of {engine.max_model_len} tokens"),
        ("  margin", found.margin_gib, f"error of the estimate {found.band_gib:.2f}"),
        ("left to others", found.usable_gib * (1 - found.utilization), f"1 - {found.utilization:g} of usable"),
    )
    for name, gib, remark in rows:
        bar = Bar(found.usable_gib, 0, min(max(gib, 0.0), found.usable_gib), width=BAR_WIDTH)
        table.add_row(name, Text(f"{gib:.2f}", style="red" if gib < 0 else ""), bar, Text(remark, style="dim"))
    return table


def _settings(engine: EngineSettings) -> Text:
    quantization = f" --quantization {engine.quantization}" if engine.quantization else ""
    return Text(
        f"settings: --max-model-len {engine.max_model_len} --max-num-seqs {engine.max_num_seqs} "
        f"--max-num-batched-tokens {engine.max_num_batched_tokens} --gpu-memory-utilization "
        f"{engine.gpu_memory_utilization:g} --kv-cache-dtype {engine.kv_cache_dtype}{quantization}",
        style="dim",
    )
