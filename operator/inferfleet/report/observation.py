"""The input of a status: the decision, the outcome of applying it, and the observed objects.

Values only. Written by the reconcile loop, read by the status and the conditions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from inferfleet.api.enums import ConditionStatus
from inferfleet.api.reasons import ConditionReason, ReadyReason
from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.children import ChildIdentity
from inferfleet.domain.decision import Decision
from inferfleet.domain.memory import MemoryEstimate
from inferfleet.domain.observed import Child, PodFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The outcome of applying a decision. `ready_reason` is the reason of `Ready` after a failure."""

    status: ConditionStatus
    reason: str
    message: str
    ready_reason: ReadyReason | None = None


RESERVED_ONLY = Application(
    status=ConditionStatus.UNKNOWN,
    reason=ConditionReason.NOT_DECIDED,
    message="reserved; the objects are written next",
)
"""Before the first write of a child."""

UP_TO_DATE = Application(
    status=ConditionStatus.TRUE, reason=ConditionReason.UP_TO_DATE, message="the cluster equals the plan"
)
"""After everything was written, or nothing had to be."""

NOTHING_TO_APPLY = Application(
    status=ConditionStatus.UNKNOWN, reason=ConditionReason.NOT_DECIDED, message="there is nothing to write yet"
)
"""Nothing was decided, so nothing is written; what runs was left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """What the largest placement's engines say of their memory, and the estimate without it; None: they said nothing.

    `out_of_memory` says how an engine ran out of memory, with predicted and actual numbers; empty when none did.
    """

    predicted: MemoryEstimate | None = None
    measured: Calibration | None = None
    out_of_memory: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Everything one status is made from.

    `spec` is None when it could not be read. `children` are those that this deployment controls. `pods` carry its
    label. `may_grow`: the placement's pool may still add nodes. `calibrated` is None where engines said nothing.
    `price_max_age` is how old a price may be (None: any age will do).
    """

    generation: int
    spec: InferenceDeploymentSpec | None
    decision: Decision
    application: Application
    children: Mapping[ChildIdentity, Child]
    pods: tuple[PodFacts, ...]
    may_grow: bool
    now: datetime
    calibrated: Calibrated | None = None
    price_max_age: timedelta | None = None

    @property
    def workloads(self) -> tuple[Child, ...]:
        """Deployments and Jobs, sorted by name."""
        found = (child for child in self.children.values() if child.has_pods)
        return tuple(sorted(found, key=lambda child: child.name))
