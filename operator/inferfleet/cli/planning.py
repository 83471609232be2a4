"""Decisions for demands with their manifests, as `plan` and `explain` show them.

In: a world and demands. Out: one `Plan` each. The decision is the operator's own function; nothing is decided here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from inferfleet.api.reasons import ConditionReason, ReadyReason
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand
from inferfleet.domain.world import World
from inferfleet.plan import decide
from inferfleet.render import RenderError, RenderFacts, render


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A demand, its decision, and the manifests that would be created (`unrenderable`: why there are none)."""

    demand: Demand
    decision: Decision
    manifests: tuple[dict[str, Any], ...]
    unrenderable: str | None = None

    @property
    def ready(self) -> bool:
        """Whether the spec can be served as it stands."""
        return self.decision.blocked is None and self.unrenderable is None

    @property
    def reason(self) -> str:
        """The reason of a refusal, else Decided or Suspended."""
        if self.unrenderable is not None:
            return ReadyReason.INVALID_SPEC.value
        if self.decision.blocked is not None:
            return self.decision.blocked.value
        return (ReadyReason.SUSPENDED if self.decision.suspended else ConditionReason.DECIDED).value

    @property
    def message(self) -> str:
        """The reason with its numbers."""
        return self.unrenderable or self.decision.message


def plan_all(
    world: World, demands: Sequence[Demand], *, worker_image: str, now: datetime | None = None
) -> tuple[Plan, ...]:
    """Decide for all demands at once, because they compete; sorted by namespace and name."""
    by_uid = {demand.uid: demand for demand in demands}
    pools = {pool.name: pool for pool in world.pools}
    facts = RenderFacts(worker_image=worker_image)
    plans = []
    for decision in decide(world, demands, now=now):
        demand = by_uid[decision.uid]
        try:
            manifests = tuple(manifest.body for manifest in render(demand, decision, pools, facts))
        except RenderError as error:
            plans.append(Plan(demand=demand, decision=decision, manifests=(), unrenderable=str(error)))
            continue
        plans.append(Plan(demand=demand, decision=decision, manifests=manifests))
    return tuple(plans)
