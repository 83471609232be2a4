"""Makes the children of one deployment equal to the decision in force, and says how that went.

In: a `Decided` and the deployment as it was seen. Out: writes, by way of `apply`, and an `Outcome`. What only a person
can mend becomes a condition, everything else is raised. Must not decide, and must not write a status.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inferfleet.api.enums import ConditionStatus
from inferfleet.api.reasons import ConditionReason, ReadyReason
from inferfleet.app.planner import Decided
from inferfleet.apply.applier import Applier
from inferfleet.apply.errors import Forbidden, Invalid, NameConflict, NotFound
from inferfleet.domain.children import ChildIdentity
from inferfleet.domain.observed import Child
from inferfleet.observe.objects import InferenceDeploymentObject
from inferfleet.observe.store import Store
from inferfleet.render import Manifest, RenderError, RenderFacts, render
from inferfleet.report.observation import NOTHING_TO_APPLY, UP_TO_DATE, Application

# A name that somebody else has, or a write that was refused, is tried again at least this much later, in seconds.
_REFUSED_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a pass: how the writes went, and in how many seconds to try again (None: not by itself)."""

    application: Application
    again: float | None = None


class Children:
    """See the module."""

    def __init__(self, *, applier: Applier, store: Store, facts: RenderFacts, now: Callable[[], datetime]) -> None:
        """`facts` are those of the installation that manifests need."""
        self._applier = applier
        self._store = store
        self._facts = facts
        self._now = now

    def of(self, item: InferenceDeploymentObject) -> Mapping[ChildIdentity, Child]:
        """Return what this deployment controls."""
        seen = self._store.children_of(item.key)
        return {key: child for key, child in seen.items() if child.owner == item.uid}

    def are_settled(self, decided: Decided, item: InferenceDeploymentObject) -> bool:
        """Whether a pass would write nothing, as far as that is known without rendering anew."""
        wanted = decided.manifests
        return wanted is not None and self._applier.is_settled(item.owner, wanted, self.of(item))

    async def bring_about(self, decided: Decided, item: InferenceDeploymentObject) -> Outcome:
        """Write the children. Raises ApiError, Conflict, and NotLeading, to be tried again."""
        try:
            if decided.leave_alone:
                await self._leave_alone(decided, item)
                return Outcome(application=UP_TO_DATE if decided.decision.ended else NOTHING_TO_APPLY)
            manifests = self._render(decided)
            if manifests is None:
                return Outcome(application=NOTHING_TO_APPLY)
            waiting = self._former_pods(decided, item)
            if not waiting:
                applied = await self._applier.apply(item.owner, manifests, self._store.children_of(item.key))
                waiting = applied.waiting
        except NameConflict as error:
            return _failed(str(error), ReadyReason.NAME_CONFLICT, again=_REFUSED_SECONDS)
        except RenderError as error:
            return _failed(str(error), ReadyReason.INVALID_SPEC, again=None)
        except (Forbidden, Invalid, NotFound) as error:  # not found: the namespace is going away
            return _failed(str(error), ReadyReason.PROGRESSING, again=_REFUSED_SECONDS)
        decided.manifests = {manifest.identity: manifest.content_hash for manifest in manifests}
        return Outcome(application=_waiting_for(waiting) if waiting else UP_TO_DATE)

    async def _leave_alone(self, decided: Decided, item: InferenceDeploymentObject) -> None:
        """Take away what is held no longer; what was admitted last stays as it was rendered, also where it was deleted.

        After a restart nobody knows what that was: what is there is then only reduced.
        """
        admitted, seen = decided.admitted, self._store.children_of(item.key)
        staying = {placement.name: placement.replicas for placement in decided.decision.placements}
        if admitted is None or decided.decision.ended:
            await self._applier.reduce(item.owner, staying, seen)
            return
        kept = tuple(
            replace(placement, replicas=min(placement.replicas, staying[placement.name]))
            for placement in admitted.decision.placements
            if placement.name in staying
        )
        manifests = self._render(replace(admitted, decision=replace(admitted.decision, placements=kept)))
        if manifests is not None:
            await self._applier.apply(item.owner, manifests, seen)

    def _former_pods(self, decided: Decided, item: InferenceDeploymentObject) -> tuple[str, ...]:
        """Pods of a former Job that still work: two must not write one output."""
        if decided.demand is None or decided.demand.spec.batch is None:
            return ()
        jobs = {child.uid for child in self.of(item).values() if child.kind == "Job"}
        pods = self._store.pods_of(item.key)
        return tuple(f"Pod {pod.name}" for pod in pods if not pod.over and pod.owner not in jobs)

    def _render(self, decided: Decided) -> tuple[Manifest, ...] | None:
        """Return what shall exist, None when nothing is known of it."""
        if decided.demand is None:
            return None
        return render(decided.demand, decided.decision, decided.pools, replace(self._facts, now=self._now()))


def _waiting_for(names: Sequence[str]) -> Application:
    return Application(
        status=ConditionStatus.FALSE,
        reason=ConditionReason.APPLY_FAILED,
        message=f"waiting until the former {', '.join(names)} is gone",
    )


def _failed(message: str, ready_reason: ReadyReason, *, again: float | None) -> Outcome:
    application = Application(
        status=ConditionStatus.FALSE,
        reason=ReadyReason.NAME_CONFLICT if ready_reason is ReadyReason.NAME_CONFLICT else ConditionReason.APPLY_FAILED,
        message=message,
        ready_reason=ready_reason,
    )
    return Outcome(application=application, again=again)
