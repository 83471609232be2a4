"""May this pool be used at all? Named questions; the first that objects gives the reason.

In: a shape and a pool. Out: a refusal, or None. The order is the documented order of the reasons.
"""

from inferfleet.api.enums import CapacityType, EngineName, SpotPolicy
from inferfleet.api.gpu_resources import WHOLE_GPUS, is_whole_gpu
from inferfleet.api.reasons import Reason
from inferfleet.catalog.gpu_resource import resource_problem
from inferfleet.domain.refused import Chain
from inferfleet.domain.world import Pool
from inferfleet.engine import precision_problem
from inferfleet.plan.candidates.shape import Shape


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
    assert pool.gpu is not None
    return precision_problem(shape.spec, shape.model, pool.gpu)


FILTERS = Chain(
    (Reason.GPU_TYPE_NOT_ALLOWED, gpu_type_allowed),
    (Reason.POOL_NOT_ALLOWED, pool_allowed),
    (Reason.REGION_NOT_ALLOWED, region_allowed),
    (Reason.COMPLIANCE_NOT_MET, compliance_met),
    (Reason.CAPACITY_TYPE_NOT_ALLOWED, capacity_type_allowed),
    (Reason.SHARED_GPU, exclusive_gpu),
    (Reason.ENGINE_NOT_SUPPORTED, engine_supported),
    (Reason.PRECISION_NOT_SUPPORTED, precision_supported),
)
"""Every filter, in the documented order."""
