"""The reasons of candidates, of conditions and of `Ready`, each with its remedy in the comment above it.

In: nothing. Out: enumerations in their documented order, and the reason of `Ready` for each rejection. Messages with
numbers are written where the decision is made; this file must not hold texts that need a number, and must not decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Verdict(StrEnum):
    """What became of a candidate."""

    CHOSEN = "Chosen"
    FEASIBLE = "Feasible"
    REJECTED = "Rejected"


class Reason(StrEnum):
    """Why a candidate has its verdict. Rejections stand in the order in which they are asked; the first wins."""

    # Not in spec.placement.gpuTypes, or not in a matching BudgetPolicy's allowedGPUTypes. Widen that list.
    GPU_TYPE_NOT_ALLOWED = "GPUTypeNotAllowed"
    # Not in spec.placement.pools, or the pool is dedicated to other namespaces. Name it, or relabel the namespace.
    POOL_NOT_ALLOWED = "PoolNotAllowed"
    # The pool's region is not in spec.placement.regions. Add the region, or a pool in an allowed one.
    REGION_NOT_ALLOWED = "RegionNotAllowed"
    # The pool does not declare a demanded standard, residency or air gap. Declare it on the GPUPool if it is true.
    COMPLIANCE_NOT_MET = "ComplianceNotMet"
    # Spot where it is not allowed, or not spot where it is required. Change spotPolicy, or the policy's spot rules.
    CAPACITY_TYPE_NOT_ALLOWED = "CapacityTypeNotAllowed"
    # Time-sliced, MPS-shared or MIG-partitioned GPUs give no memory guarantee. Use a pool of whole GPUs.
    SHARED_GPU = "SharedGPU"
    # This engine or version does not run on this GPU vendor or for this class. Choose another engine.
    ENGINE_NOT_SUPPORTED = "EngineNotSupported"
    # The compute capability is too old for the precision. A newer GPU, or another quantization.
    PRECISION_NOT_SUPPORTED = "PrecisionNotSupported"
    # Attention heads, or KV heads, cannot be split evenly over this tensor parallel size. Another size applies.
    TENSOR_PARALLEL_NOT_DIVISIBLE = "TensorParallelNotDivisible"
    # More GPUs than one node of the pool has, or than maxTensorParallelSize. Larger nodes, or raise the limit.
    TOO_MANY_GPUS = "TooManyGPUs"
    # Weights and working memory alone exceed the GPU. A larger GPU, a larger tensor parallel size, or quantization.
    DOES_NOT_FIT = "DoesNotFit"
    # It fits by less than the error of the estimate. A ModelProfile with measured figures, or more memory.
    TOO_CLOSE = "TooClose"
    # The KV cache does not hold one request of maxModelLen. Shorten it, or consent to that by minModelLen.
    CONTEXT_DOES_NOT_FIT = "ContextDoesNotFit"
    # One replica cannot meet the latency objectives at any load. A faster GPU, or looser objectives.
    TOO_SLOW = "TooSlow"
    # The pool could not deliver nodes lately and is left alone for a while. Wait, or add a pool.
    POOL_BACKING_OFF = "PoolBackingOff"
    # Not enough free GPUs, also counting the nodes the pool may still add. Raise maxNodes, or free GPUs.
    NO_CAPACITY = "NoCapacity"
    # Neither the pool nor the GPU type has a price for this capacity type. Set usdPerGPUHour.
    NO_PRICE = "NoPrice"
    # A matching BudgetPolicy in Enforce does not cover it. Raise the budget, lower the need, or free a reservation.
    OVER_BUDGET = "OverBudget"

    # Feasible: it would work and costs more than the chosen one.
    MORE_EXPENSIVE = "MoreExpensive"
    # Feasible: cheaper than what runs, by less than rebalance asks for, or rebalance is off.
    MOVE_NOT_WORTH_IT = "MoveNotWorthIt"

    # Chosen: the least cost of several feasible ones.
    CHEAPEST = "Cheapest"
    # Chosen: it is running and feasible, so it stays.
    KEPT = "Kept"
    # Chosen: nothing else is feasible.
    ONLY_OPTION = "OnlyOption"

    @property
    def verdict(self) -> Verdict:
        """The one verdict that this reason explains."""
        if self in REJECTION_ORDER:
            return Verdict.REJECTED
        if self in (Reason.MORE_EXPENSIVE, Reason.MOVE_NOT_WORTH_IT):
            return Verdict.FEASIBLE
        return Verdict.CHOSEN

    @property
    def progress(self) -> int:
        """How far a candidate with this reason got; larger is further, and feasible and chosen ones got furthest."""
        return REJECTION_ORDER.index(self) if self in REJECTION_ORDER else len(REJECTION_ORDER)


REJECTION_ORDER: tuple[Reason, ...] = tuple(Reason)[: tuple(Reason).index(Reason.OVER_BUDGET) + 1]
"""The rejections in the order in which they are asked."""


class ReadyReason(StrEnum):
    """The reasons of the root condition `Ready`."""

    # Ready=False. The spec breaks a rule, perhaps one newer than the object. Correct the field that the message names.
    INVALID_SPEC = "InvalidSpec"
    # An object of the wanted name exists and is not ours. Rename one of the two.
    NAME_CONFLICT = "NameConflict"
    # No architecture facts for this model. Apply a ModelProfile, or check the spelling.
    MODEL_UNKNOWN = "ModelUnknown"
    # Every pool is ruled out before memory is even asked. Read the candidates; widen placement or policies.
    NO_MATCHING_POOL = "NoMatchingPool"
    # Matching pools exist; the model fits none. A larger GPU, quantization, or a shorter maxModelLen.
    MODEL_DOES_NOT_FIT = "ModelDoesNotFit"
    # It fits, but no candidate meets the latency objectives. Faster GPUs, or looser objectives.
    OBJECTIVES_NOT_MET = "ObjectivesNotMet"
    # Feasible pools are full. Wait, raise maxNodes, or free GPUs.
    NO_CAPACITY = "NoCapacity"
    # Feasible pools have no price. Set usdPerGPUHour on the pool or prices on the GPUType.
    NO_PRICE = "NoPrice"
    # A BudgetPolicy refuses. The message says which, the need and the shortfall.
    OVER_BUDGET = "OverBudget"
    # A BudgetPolicy that could match cannot be understood, so nothing new starts. Correct the policy.
    BUDGET_UNREADABLE = "BudgetUnreadable"
    # Under way: pods are being created or loading. Wait.
    PROGRESSING = "Progressing"
    # The engine ran out of GPU memory. The plan is corrected and retried; otherwise shorten maxModelLen.
    ENGINE_OUT_OF_MEMORY = "EngineOutOfMemory"
    # The image cannot be pulled. Check the name and the pull secret.
    IMAGE_PULL_FAILED = "ImagePullFailed"
    # Pods do not get a node, although the plan saw room. Read the scheduler's message.
    UNSCHEDULABLE = "Unschedulable"
    # Pods start and fail. Read their logs.
    PODS_FAILING = "PodsFailing"
    # A batch ended without success. Read the quarantined lines and the pod logs.
    FAILED = "Failed"
    # A batch reached its deadline; what was finished stays. Create a new one with a later deadline.
    DEADLINE_EXCEEDED = "DeadlineExceeded"

    # Ready=True. The newest accepted spec is served and available.
    SERVING = "Serving"
    # A batch is done.
    COMPLETED = "Completed"
    # replicas: 0, as asked; nothing runs and nothing is reserved.
    SUSPENDED = "Suspended"


READY_TRUE: frozenset[ReadyReason] = frozenset({ReadyReason.SERVING, ReadyReason.COMPLETED, ReadyReason.SUSPENDED})
"""The reasons that go with Ready=True; all others go with Ready=False."""


def _ready_reasons() -> dict[Reason, ReadyReason]:
    """Every rejection maps to NoMatchingPool unless memory, speed, capacity, price or money was the obstacle."""
    table = dict.fromkeys(REJECTION_ORDER, ReadyReason.NO_MATCHING_POOL)
    table |= dict.fromkeys(
        (
            Reason.TENSOR_PARALLEL_NOT_DIVISIBLE,
            Reason.TOO_MANY_GPUS,
            Reason.DOES_NOT_FIT,
            Reason.TOO_CLOSE,
            Reason.CONTEXT_DOES_NOT_FIT,
        ),
        ReadyReason.MODEL_DOES_NOT_FIT,
    )
    table |= {
        Reason.TOO_SLOW: ReadyReason.OBJECTIVES_NOT_MET,
        # A pool that backs off is a pool without GPUs for now, and it passed the speed test.
        Reason.POOL_BACKING_OFF: ReadyReason.NO_CAPACITY,
        Reason.NO_CAPACITY: ReadyReason.NO_CAPACITY,
        Reason.NO_PRICE: ReadyReason.NO_PRICE,
        Reason.OVER_BUDGET: ReadyReason.OVER_BUDGET,
    }
    return table


READY_REASON: Mapping[Reason, ReadyReason] = MappingProxyType(_ready_reasons())
"""The reason of `Ready`, by the rejection of the candidate that got furthest."""


class ConditionType(StrEnum):
    """The condition types of all kinds. `Ready` is the root and carries the deepest reason."""

    ACCEPTED = "Accepted"
    PLANNED = "Planned"
    WITHIN_BUDGET = "WithinBudget"
    APPLIED = "Applied"
    AVAILABLE = "Available"
    READY = "Ready"
    # True when nothing more will happen until a person acts (kstatus: failed).
    STALLED = "Stalled"
    # Present while True: a move would save more than rebalance asks for, and the policy Never does not allow it.
    CHEAPER_PLACEMENT = "CheaperPlacement"
    # Present while False: a price that is charged was stated longer ago than the operator's settings allow.
    PRICE_FRESH = "PriceFresh"
    # Present where a time to first token was asked for: Unknown until an engine's own counters tell it.
    TIME_TO_FIRST_TOKEN = "TimeToFirstToken"  # noqa: S105 - tokens of text
    # BudgetPolicy: an outside change left the reservations above the budget.
    EXCEEDED = "Exceeded"


class ConditionReason(StrEnum):
    """Reasons of conditions other than Ready that are no ReadyReason."""

    # Accepted=True. The spec was read and breaks no rule.
    VALID = "Valid"
    # Planned=True. A placement is decided.
    DECIDED = "Decided"
    # Planned=True. An external count lies outside scaling.minReplicas and maxReplicas and was moved to the nearer one.
    REPLICAS_CLAMPED = "ReplicasClamped"
    # Planned=True. The successor is not ready yet; what it replaces runs, and is paid, until then.
    MOVING = "Moving"
    # CheaperPlacement=True. Set spec.placement.rebalance.policy to WhenCheaper, or leave it.
    REBALANCE_NEVER = "RebalanceNever"
    # PriceFresh=False. Look the price up again and state it with today's date.
    PRICE_STALE = "PriceStale"
    # TimeToFirstToken=Unknown. Planned by the prefill rule; no engine has served enough traffic to tell.
    NOT_VERIFIED = "NotVerified"
    # TimeToFirstToken=True or False. What the engines' counters say, within the objective or above it.
    MEASURED = "Measured"
    # WithinBudget=True. Every matching policy covers it.
    RESERVED = "Reserved"
    # WithinBudget=True. No BudgetPolicy matches the namespace and none is required.
    NO_POLICY = "NoPolicy"
    # WithinBudget=True. A policy in Warn would have refused it.
    WARNED = "Warned"
    # WithinBudget=False. What runs is paid; the growth beyond it is not. Raise the budget or wait.
    GROWTH_HELD = "GrowthHeld"
    # WithinBudget=Unknown and others. An earlier step has no answer yet.
    NOT_DECIDED = "NotDecided"
    # Applied=True. The cluster equals the rendered manifests.
    UP_TO_DATE = "UpToDate"
    # Applied=False. The API server refused or could not be reached; retried.
    APPLY_FAILED = "ApplyFailed"
    # Available=True. Enough replicas are ready.
    MINIMUM_REPLICAS_READY = "MinimumReplicasReady"
    # Available=False. Fewer ready replicas than the minimum.
    MINIMUM_REPLICAS_NOT_READY = "MinimumReplicasNotReady"
    # Ready=True on platform kinds. The object was understood.
    UNDERSTOOD = "Understood"
    # Ready=False on platform kinds. The object cannot be understood; the message names the field.
    UNREADABLE = "Unreadable"
    # Ready=False. Two policies of one cohort select the same namespace. Narrow one of the selectors.
    COHORT_OVERLAP = "CohortOverlap"
    # Ready=False on GPUPool. The pool names a GPU type that neither the catalogue nor a GPUType knows.
    GPU_TYPE_UNKNOWN = "GPUTypeUnknown"
    # Ready=False on GPUPool. The nodes carry another GPU than the pool declares. Correct gpuType or the selector.
    GPU_TYPE_MISMATCH = "GPUTypeMismatch"
    # Ready=False on GPUPool. Another pool selects some of its nodes too and counts them. Narrow one of the selectors.
    NODES_SHARED = "NodesShared"
    # Exceeded=False. The reservations lie within the limit.
    WITHIN_LIMIT = "WithinLimit"
    # Exceeded=True. The reservations lie above the limit; onExceeded says what follows.
    LIMIT_EXCEEDED = "LimitExceeded"
