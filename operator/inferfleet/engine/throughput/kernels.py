"""How fast the engine's kernels are compared with the data sheet: the measured efficiencies of the speed model.

In: how the weights are stored. Out: a `Kernels` value. Every constant here is physical (an efficiency, a latency, a
cost per layer) and shared by all models and GPUs; none is fitted to one model. Sources: `throughput_cases` are the
measured rows shipped as `benchmarks/data/throughput_cases.csv`; `docs/throughput-model.md` shows the errors they
leave.
"""

from dataclasses import dataclass

from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.model import Model
from inferfleet.engine.memory.formats import WeightFormat

# Share of the data sheet's memory bandwidth that streaming kernels reach. Source: aiconfigurator systems/*.yaml (0.8).
BANDWIDTH_EFFICIENCY = 0.80
# Share of the dense peak that large matrix products of a whole model reach: 16 bits, and 8 or 4 bits.
MATMUL_EFFICIENCY = 0.55
LOW_PRECISION_MATMUL_EFFICIENCY = 0.50
# Scheduler, sampler and host-to-device work of one step, seconds; and its growth per running sequence.
STEP_SECONDS = 500e-6
SEQUENCE_SECONDS = 20e-6
# Launch and synchronisation gaps of one dense transformer layer under CUDA graphs.
DENSE_LAYER_SECONDS = 20e-6
# Without CUDA graphs every kernel is launched from Python. General knowledge: about five times the gaps.
EAGER_FACTOR = 5.0
# HTTP, tokeniser and scheduler before the first token (30 ms measured against 7 ms of arithmetic at one request a
# second).
FIRST_TOKEN_SECONDS = 25e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernels:
    """Efficiencies that depend on how the weights are stored.

    `expert_layer_seconds`: gaps of one mixture layer (router, permutation, grouped products, activation quantising).
    `expert_bandwidth_efficiency`: share of the memory bandwidth at which expert weights stream in small batches.
    `expert_matmul_efficiency`: share of the dense peak of grouped products over a prompt. `low_precision`: products
    run on 8-bit units where the GPU has them. `known`: mixture rows of this kind were measured.
    """

    expert_layer_seconds: float
    expert_bandwidth_efficiency: float
    expert_matmul_efficiency: float
    low_precision: bool = False
    known: bool = False


# Mixture rows behind each line (vLLM 0.11 to 0.19): fp8: MiniMax-M2.5 on B200; nvfp4: MiniMax-M2.5 and Kimi-K2.5 on
# B200 and B300; mxfp4: gpt-oss-120b on H100, H200, B200; int4: Kimi-K2.5 on H200 and B200 (Marlin weight-only
# kernels).
_SIXTEEN = Kernels(expert_layer_seconds=50e-6, expert_bandwidth_efficiency=0.80, expert_matmul_efficiency=0.35)
_BY_METHOD = {
    "fp8": Kernels(
        expert_layer_seconds=70e-6,
        expert_bandwidth_efficiency=0.80,
        expert_matmul_efficiency=0.40,
        low_precision=True,
        known=True,
    ),
    "nvfp4": Kernels(
        expert_layer_seconds=55e-6,
        expert_bandwidth_efficiency=0.80,
        expert_matmul_efficiency=0.50,
        low_precision=True,
        known=True,
    ),
    "mxfp4": Kernels(
        expert_layer_seconds=35e-6, expert_bandwidth_efficiency=0.75, expert_matmul_efficiency=0.20, known=True
    ),
    "int8": Kernels(
        expert_layer_seconds=70e-6,
        expert_bandwidth_efficiency=0.80,
        expert_matmul_efficiency=0.40,
        low_precision=True,
    ),
}
# Block-scaled 8-bit experts have tensor units of their own from Blackwell on; before it the scales are applied in
# software (Triton grouped products). The two campaigns with such mixtures on Hopper (Qwen3-235B-A22B-FP8 and
# MiniMax-M2.5 on H200) measure 1.4 to 2.7 times the time that the Blackwell figures predict; these figures are the
# cautious end of what a tuned set-up could reach, and the confidence is low.
_BLACKWELL = (10, 0)
_SCALED_IN_SOFTWARE = Kernels(
    expert_layer_seconds=100e-6,
    expert_bandwidth_efficiency=0.60,
    expert_matmul_efficiency=0.20,
    low_precision=True,
)
_WEIGHT_ONLY = Kernels(
    expert_layer_seconds=90e-6, expert_bandwidth_efficiency=0.55, expert_matmul_efficiency=0.17, known=True
)
_WEIGHT_ONLY_METHODS = frozenset({"awq", "gptq", "compressed-tensors", "int4"})
# vLLM's Marlin kernels need compute capability 8.0; below it, or when asked for by name, the plain kernels run, which
# decode about as fast at one sequence and up to 2.5 times slower at 64 (L4, plain AWQ kernel, vLLM 0.8.5).
EIGHT_BITS = 8
_MARLIN_CAPABILITY = (8, 0)
_PLAIN_KERNEL_NAMES = frozenset({"awq", "gptq"})


def kernels(layout: WeightFormat, gpu: GPU) -> Kernels:
    """Return the efficiencies for weights stored this way on this GPU."""
    if layout.method == "fp8" and (gpu.compute_capability or (0, 0)) < _BLACKWELL:
        return _SCALED_IN_SOFTWARE
    if _is_weight_only(layout):
        return _WEIGHT_ONLY
    if layout.method == "compressed-tensors":
        return _BY_METHOD["int8"]
    return _BY_METHOD.get(layout.method or "", _SIXTEEN)


def runs_plain_weight_only_kernel(model: Model, gpu: GPU, engine: EngineSettings, layout: WeightFormat) -> bool:
    """Whether a 4-bit weight-only model misses the Marlin kernels (vLLM layers/quantization/awq_marlin.py)."""
    if not _is_weight_only(layout):
        return False
    capability = gpu.compute_capability
    asked = engine.quantization in _PLAIN_KERNEL_NAMES and model.quantization is not None
    return asked or capability is None or capability < _MARLIN_CAPABILITY


def _is_weight_only(layout: WeightFormat) -> bool:
    """Four-bit weights with 16-bit activations; `compressed-tensors` also names 8-bit weights and activations."""
    return layout.method in _WEIGHT_ONLY_METHODS and (layout.detail is None or layout.detail.bits < EIGHT_BITS)


def sixteen_bit_tflops(gpu: GPU) -> float:
    """Return dense TFLOPS for 16-bit products; a GPU without such a figure counts as one without tensor units."""
    return gpu.bf16_tflops or gpu.fp16_tflops or gpu.memory_bandwidth_gb_per_s * 0.1


def low_precision_tflops(gpu: GPU, method: str | None) -> float:
    """Return dense TFLOPS for quantised products; the 16-bit figure where the GPU has no such unit."""
    native = gpu.int8_tflops if method in {"int8", "compressed-tensors"} else gpu.fp8_tflops
    return native or sixteen_bit_tflops(gpu)
