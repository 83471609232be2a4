"""The closed vocabularies of the API: every word that a user or a status may write.

In: nothing. Out: string enumerations whose values are exactly what stands in YAML. Engine-level values keep the
engine's own spelling and are plain strings elsewhere (`bfloat16`, `fp8`); everything here is ours and CamelCase.
Reasons and condition types live in `reasons.py`. This file must not decide anything.
"""

from __future__ import annotations

from enum import StrEnum


class WorkloadClass(StrEnum):
    """How a workload consumes GPUs: steadily while it serves, or until its input is done."""

    REAL_TIME = "RealTime"
    BATCH = "Batch"


class Category(StrEnum):
    """The budget line that pays."""

    INFERENCE = "Inference"
    FINE_TUNING = "FineTuning"
    TRAINING = "Training"
    EXPERIMENTATION = "Experimentation"


class Priority(StrEnum):
    """Who is admitted first and who shrinks last. `rank` orders them: a larger rank goes first."""

    LOW = "Low"
    NORMAL = "Normal"
    HIGH = "High"

    @property
    def rank(self) -> int:
        """0 for Low, 1 for Normal, 2 for High."""
        return (Priority.LOW, Priority.NORMAL, Priority.HIGH).index(self)


class CapacityType(StrEnum):
    """How the provider sells the node."""

    ON_DEMAND = "OnDemand"
    SPOT = "Spot"
    RESERVED = "Reserved"


class SpotPolicy(StrEnum):
    """Whether a workload may, must or must not run on spot capacity."""

    NEVER = "Never"
    ALLOWED = "Allowed"
    REQUIRED = "Required"


class MixedGPUTypes(StrEnum):
    """Whether one deployment may be served by replicas on different GPU types."""

    NEVER = "Never"
    ALLOWED = "Allowed"


class RebalancePolicy(StrEnum):
    """Whether a running, feasible placement may move to a cheaper one."""

    NEVER = "Never"
    WHEN_CHEAPER = "WhenCheaper"


class ReservePolicy(StrEnum):
    """What the budget ledger reserves for a deployment that may grow: the current count or the largest one."""

    CURRENT = "Current"
    MAX = "Max"


class ModelSource(StrEnum):
    """Where the engine loads the weights from."""

    HUGGING_FACE = "HuggingFace"
    PERSISTENT_VOLUME_CLAIM = "PersistentVolumeClaim"


class EngineName(StrEnum):
    """The inference engine; each project's own spelling."""

    VLLM = "vLLM"
    TGI = "TGI"
    OLLAMA = "Ollama"


class Interconnect(StrEnum):
    """What connects the GPUs of one node, slowest first for the same vendor."""

    PCIE = "PCIe"
    NVLINK = "NVLink"
    INFINITY_FABRIC = "InfinityFabric"


class Standard(StrEnum):
    """Compliance standards that a pool declares and a workload may demand."""

    HIPAA = "HIPAA"
    GDPR = "GDPR"
    SOC2 = "SOC2"


class Enforcement(StrEnum):
    """Whether a budget refuses or only warns."""

    ENFORCE = "Enforce"
    WARN = "Warn"


class OnExceeded(StrEnum):
    """What happens when an outside change leaves the reservations above the budget."""

    HOLD = "Hold"
    SCALE_DOWN = "ScaleDown"
    STOP = "Stop"


class BatchFallback(StrEnum):
    """Whether batch work may leave spot for on-demand capacity when its deadline is at risk."""

    ON_DEMAND = "OnDemand"
    WAIT = "Wait"


class RealTimeSpot(StrEnum):
    """Whether a budget lets real-time work use spot capacity."""

    NEVER = "Never"
    ALLOWED = "Allowed"


class Role(StrEnum):
    """What one of several placements is for: carrying the load, bridging a shortage, or leaving."""

    BASE = "Base"
    OVERFLOW = "Overflow"
    DRAINING = "Draining"


class Confidence(StrEnum):
    """How well founded a number is, best first."""

    MEASURED = "Measured"
    CALIBRATED = "Calibrated"
    ESTIMATED = "Estimated"
    LOW = "Low"


class RouteStrategy(StrEnum):
    """How an InferenceRoute picks a backend; rate limits are respected by all of them."""

    WEIGHTED = "Weighted"
    COST = "Cost"
    LATENCY = "Latency"
    QUALITY = "Quality"
    FAILOVER = "Failover"


class SelfHostedPrice(StrEnum):
    """The price at which a self-hosted backend is compared: of the next token, or of all tokens with idle time."""

    MARGINAL = "Marginal"
    AVERAGE = "Average"


class ConditionStatus(StrEnum):
    """The three states of a Kubernetes condition. Unknown is an answer."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class TolerationOperator(StrEnum):
    """How a toleration compares a taint's value."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class SelectorOperator(StrEnum):
    """How a label selector requirement compares a label."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
