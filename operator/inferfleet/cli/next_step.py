"""What a person can do for a deployment that cannot be served, by the reason of `Ready`."""

from collections.abc import Mapping
from types import MappingProxyType

from inferfleet.api.reasons import ReadyReason

NEXT_STEP: Mapping[str, str] = MappingProxyType(
    {
        ReadyReason.INVALID_SPEC: "correct the field that the message names",
        ReadyReason.MODEL_UNKNOWN: "describe the model in a ModelProfile, or check the spelling of spec.model.id "
        "(inferfleet catalog models)",
        ReadyReason.NO_MATCHING_POOL: "add a GPUPool, or widen spec.placement and the types that the BudgetPolicy "
        "allows; the candidates below say what ruled each pool out",
        ReadyReason.MODEL_DOES_NOT_FIT: "use a larger GPU or more of them, quantize the model, or shorten "
        "spec.engine.maxModelLen (spec.engine.minModelLen lets the operator do it); inferfleet fit shows the memory",
        ReadyReason.OBJECTIVES_NOT_MET: "loosen spec.objectives or the deadline, or offer faster GPUs; inferfleet "
        "throughput shows the speed",
        ReadyReason.NO_CAPACITY: "raise spec.maxNodes of a pool, free GPUs, or lower the rate",
        ReadyReason.NO_PRICE: "set spec.usdPerGPUHour on the pool, or a price on the GPUType",
        ReadyReason.OVER_BUDGET: "raise the budget, lower the rate, or free reservations of others",
        ReadyReason.BUDGET_UNREADABLE: "correct the BudgetPolicy that the message names; until then nothing new starts",
    }
)
