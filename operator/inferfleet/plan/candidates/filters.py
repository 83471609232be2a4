"""May this pool be used at all? A chain of named questions; the first that objects gives the reason.

In: a shape and a pool. Out: a reason with a message, or None. The order is the documented order of the reasons.
"""

from collections.abc import Callable

from inferfleet.api.enums import CapacityType, EngineName, SpotPolicy
from inferfleet.api.gpu_resources import WHOLE_GPUS, is_whole_gpu
from inferfleet.api.reasons import Reason
from inferfleet.catalog.gpu_resource import resource_problem
from inferfleet.domain.gpu import GPU
from inferfleet.domain.world import Pool
from inferfleet.engine.settings import DEFAULT_VERSION
from inferfleet.engine.support import quantization_problem
from inferfleet.plan.candidates.shape import Shape


class Refusal:
    """Why a candidate is out, as a reason and as a sentence with numbers that is worded only when somebody reads it."""

    __slots__ = ("_words", "reason")

    def __init__(self, reason: Reason, words: str | Callable[[], str]) -> None:
        """Take the sentence, or what will word it from values that do not change any more."""
        self.reason = reason
        self._words = words

    @property
    def message(self) -> str:
        """The sentence."""
        if not isinstance(self._words, str):
            self._words = self._words()
        return self._words


Question = Callable[[Shape, Pool], str | None]

# Least compute capability per precision. 16-bit brain floats: NVIDIA Ampere tuning guide (8.0). FP8 tensor cores: Ada
# 8.9 and Hopper 9.0 tuning guides. NVFP4 and MXFP8: Blackwell 10.0. AWQ, GPTQ and INT8 kernels: vLLM docs, "Supported
# Hardware" table of quantisation (Turing 7.5 and newer). MXFP4 runs through Marlin kernels from Ampere on (vLLM 0.11,
# mxfp4.py).
LEAST_CAPABILITY: dict[str, tuple[int, int]] = {
    "bfloat16": (8, 0),
    "fp8": (8, 9),
    "fbgemm_fp8": (8, 9),
    "fp8_per_tensor": (8, 9),
    "fp8_per_block": (8, 9),
    "mxfp8": (10, 0),
    "nvfp4": (10, 0),
    "modelopt_fp4": (10, 0),
    "mxfp4": (8, 0),
    "awq": (7, 5),
    "awq_marlin": (8, 0),
    "gptq": (7, 5),
    "gptq_marlin": (8, 0),
    "int8": (7, 5),
    "bitsandbytes": (7, 0),
}
# Formats that vLLM's ROCm build has no kernels for (vLLM docs, "Supported Hardware"; MXFP8: "Online Quantization").
NOT_ON_AMD = frozenset({"awq_marlin", "gptq_marlin", "bitsandbytes", "mxfp8", "nvfp4", "modelopt_fp4"})


def gpu_type_allowed(shape: Shape, pool: Pool) -> str | None:
    """spec.placement.gpuTypes and every matching policy's allowedGPUTypes."""
    asked = shape.spec.placement.gpu_types
    if asked and pool.gpu_type not in asked:
        return f"{pool.gpu_type} is not in spec.placement.gpuTypes ({', '.join(sorted(asked))})"
    allowed = shape.rules.gpu_types
    if allowed is not None and pool.gpu_type not in allowed:
        names = ", ".join(sorted(allowed)) or "none"
        return f"{pool.gpu_type} is not allowed by BudgetPolicy {shape.rules.restricting_policy} (allowed: {names})"
    return None


def pool_allowed(shape: Shape, pool: Pool) -> str | None:
    """spec.placement.pools, dedicated pools, and pools that cannot be used as they are described."""
    asked = shape.spec.placement.pools
    if asked and pool.name not in asked:
        return f"pool {pool.name} is not in spec.placement.pools ({', '.join(sorted(asked))})"
    if pool.namespace_selector is not None and pool.name not in shape.dedicated_pools:
        return f"pool {pool.name} is dedicated to other namespaces (spec.namespaceSelector)"
    if pool.problem is not None:
        return f"pool {pool.name} cannot be used: {pool.problem}"
    if pool.gpu is None:
        return f"pool {pool.name}: GPU type {pool.gpu_type} is unknown; add a GPUType of that name or correct the pool"
    mismatch = resource_problem(pool.gpu, pool.gpu_resource_name)
    return None if mismatch is None else f"pool {pool.name} cannot be used: {mismatch}"


def region_allowed(shape: Shape, pool: Pool) -> str | None:
    """spec.placement.regions."""
    asked = shape.spec.placement.regions
    if asked and pool.region not in asked:
        region = pool.region or "an undeclared region"
        return f"pool {pool.name} is in {region}, not in spec.placement.regions ({', '.join(sorted(asked))})"
    return None


def compliance_met(shape: Shape, pool: Pool) -> str | None:
    """What the workload demands, the pool must declare; nothing is guessed from a region's name."""
    demanded, declared = shape.spec.compliance, pool.compliance
    missing = sorted(set(demanded.standards) - set(declared.standards))
    if missing:
        return f"pool {pool.name} does not declare {', '.join(missing)}"
    residency = set(declared.data_residency)
    if demanded.data_residency and (not residency or not residency <= set(demanded.data_residency)):
        where, asked = ", ".join(sorted(residency)) or "nowhere", ", ".join(sorted(demanded.data_residency))
        return f"pool {pool.name} declares data residency {where}; asked for {asked}"
    if demanded.air_gapped and not declared.air_gapped:
        return f"pool {pool.name} is not declared air-gapped"
    return None


def capacity_type_allowed(shape: Shape, pool: Pool) -> str | None:
    """Real-time work keeps off spot unless tenant and policy both allow it; batch may be bound to spot."""
    spot = pool.capacity_type is CapacityType.SPOT
    if not spot:
        return "spec.placement.spotPolicy is Required" if shape.spot_policy is SpotPolicy.REQUIRED else None
    if shape.spot_policy is SpotPolicy.NEVER:
        default = "" if shape.spec.placement.spot_policy else " (the default of real-time work)"
        return f"spot, and spec.placement.spotPolicy is Never{default}"
    if shape.real_time and not shape.rules.real_time_spot:
        return (
            "spot for real-time work needs spec.spot.realTime Allowed in every matching BudgetPolicy, and one at least"
        )
    return None


def exclusive_gpu(_shape: Shape, pool: Pool) -> str | None:
    """Whole GPUs only: time-sliced, MPS and MIG devices give no memory or no peer access that could be planned on."""
    if not is_whole_gpu(pool.gpu_resource_name):
        return (
            f"pool {pool.name} offers {pool.gpu_resource_name} (spec.gpuResourceName), a slice or share of a GPU; "
            f"whole GPUs are planned: {', '.join(WHOLE_GPUS.values())}"
        )
    return None if pool.whole_gpus else f"all nodes of pool {pool.name} share or slice their GPUs"


def engine_supported(shape: Shape, _pool: Pool) -> str | None:
    """Only vLLM is planned and rendered."""
    name = shape.spec.engine.name
    return None if name is EngineName.VLLM else f"engine {name} cannot be planned; vLLM can"


def precision_supported(shape: Shape, pool: Pool) -> str | None:
    """The arithmetic of weights, activations and KV cache that the GPU must have."""
    gpu = pool.gpu
    assert gpu is not None
    asked, stored = shape.spec.model.quantization, shape.model.quantization
    problem = quantization_problem(shape.model, asked, shape.spec.engine.version or DEFAULT_VERSION)
    if problem is not None:
        return problem
    wanted = [asked or stored, shape.model.dtype]
    if shape.spec.engine.kv_cache_dtype.startswith("fp8"):
        wanted.append("fp8")
    return next((problem for precision in wanted if precision and (problem := _lacks(gpu, precision))), None)


def _lacks(gpu: GPU, precision: str) -> str | None:
    if gpu.compute_capability is None:
        return f"{precision} has no kernels for {gpu.name}" if precision in NOT_ON_AMD else None
    least = LEAST_CAPABILITY.get(precision)
    if least is None or gpu.compute_capability >= least:
        return None
    have, need = (".".join(map(str, version)) for version in (gpu.compute_capability, least))
    return f"{precision} needs compute capability {need}; {gpu.name} has {have}"


QUESTIONS: tuple[tuple[Reason, Question], ...] = (
    (Reason.GPU_TYPE_NOT_ALLOWED, gpu_type_allowed),
    (Reason.POOL_NOT_ALLOWED, pool_allowed),
    (Reason.REGION_NOT_ALLOWED, region_allowed),
    (Reason.COMPLIANCE_NOT_MET, compliance_met),
    (Reason.CAPACITY_TYPE_NOT_ALLOWED, capacity_type_allowed),
    (Reason.SHARED_GPU, exclusive_gpu),
    (Reason.ENGINE_NOT_SUPPORTED, engine_supported),
    (Reason.PRECISION_NOT_SUPPORTED, precision_supported),
)


def refusal(shape: Shape, pool: Pool) -> Refusal | None:
    """Ask every question in the documented order; return the first objection."""
    for reason, question in QUESTIONS:
        message = question(shape, pool)
        if message is not None:
            return Refusal(reason, message)
    return None
