"""How far the speed estimate may be trusted, and why: decided by what was measured, never by how sure anybody feels.

In: model, GPU, engine and link. Out: the confidence without any live calibration, and the reasons when it is low.
"""

from inferfleet.api.enums import Confidence, Interconnect
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.model import Model
from inferfleet.engine.memory.formats import WeightFormat
from inferfleet.engine.throughput.kernels import kernels, runs_plain_weight_only_kernel

# GPU types with vLLM rows in steady state among the measured cases the model was scored on.
MEASURED_GPUS = frozenset(
    {
        "nvidia-a100-40gb", "nvidia-a100-80gb", "nvidia-h100-80gb", "nvidia-h100-pcie-80gb", "nvidia-h200-141gb",
        "nvidia-b200-180gb", "nvidia-b300-288gb", "nvidia-l4-24gb", "nvidia-l40s-48gb", "nvidia-rtx-4090-24gb",
    }
)  # fmt: skip
# Older engines decode up to 8 times slower than the model says (Melange's capacities on vLLM 0.2.7).
OLDEST_MEASURED_ENGINE = (0, 8)
MOST_MEASURED_GPUS = 8


def confidence(
    model: Model, gpu: GPU, engine: EngineSettings, layout: WeightFormat, interconnect: Interconnect
) -> tuple[Confidence, tuple[str, ...]]:
    """Return `Estimated`, or `Low` with every reason for it."""
    checks = (
        (gpu.name not in MEASURED_GPUS, f"no measured rows for {gpu.name}"),
        (
            engine.tensor_parallel_size > 1 and interconnect is Interconnect.PCIE,
            "tensor parallelism over PCIe: measured rows differ by up to 41 %",
        ),
        (
            engine.tensor_parallel_size > MOST_MEASURED_GPUS,
            f"tensor parallelism over more than {MOST_MEASURED_GPUS} GPUs: no measured rows",
        ),
        (runs_plain_weight_only_kernel(model, gpu, engine, layout), "plain 4-bit kernel instead of Marlin"),
        (
            model.experts is not None and not kernels(layout, gpu).known,
            f"no tuned measurement of a mixture model in {layout.method or '16 bits'} on this generation",
        ),
        (model.linear_attention is not None, "hybrid linear attention: no tuned measurement"),
        (
            model.latent_attention is not None and model.latent_attention.index_head_dim is not None,
            "sparse attention: no tuned measurement",
        ),
        (model.pooling, "pooling models: no measured rows"),
        (engine.enforce_eager, "eager mode: no measured rows"),
        (_version(engine.version) < OLDEST_MEASURED_ENGINE, f"engine {engine.version} is older than the measured ones"),
        (engine.pipeline_parallel_size > 1, "pipeline parallelism is not modelled"),
    )
    reasons = tuple(reason for applies, reason in checks if applies)
    return (Confidence.LOW if reasons else Confidence.ESTIMATED), reasons


def _version(text: str) -> tuple[int, ...]:
    """Leading numbers of a version; an unreadable one counts as new."""
    numbers: list[int] = []
    for part in text.removeprefix("v").split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers) if numbers else OLDEST_MEASURED_ENGINE
