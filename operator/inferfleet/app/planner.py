"""The planner's loop: takes batches of keys, decides for those that need it on one snapshot, hands all to the workers.

In: keys from the queue. Out: `WorkItem`s. Decisions are made one batch after the other, and each counts as held at
once, so two deployments are never promised the same GPU or dollar. Must not write to the cluster.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from inferfleet.api.enums import RebalancePolicy
from inferfleet.api.reasons import ConditionReason, ReadyReason
from inferfleet.app.enqueue import Enqueuer
from inferfleet.domain.children import ChildIdentity
from inferfleet.domain.decision import BudgetVerdict, Decision
from inferfleet.domain.demand import Demand
from inferfleet.domain.history import NO_HISTORY
from inferfleet.domain.keys import Key, NamespacedName
from inferfleet.domain.world import Pool, World
from inferfleet.observe.objects import InferenceDeploymentObject, Unreadable
from inferfleet.observe.snapshot import Snapshots
from inferfleet.observe.store import Store
from inferfleet.plan import SCHEDULE_TIMEOUT, decide
from inferfleet.runtime.queue import KeyedQueue

_log = logging.getLogger(__name__)

# A user waits for the first answer, so the pause is short; a burst of a thousand still becomes some twenty batches.
_BATCH, _IDLE_SECONDS, _LONGEST_SECONDS = 64, 0.03, 0.2
# Refusals that may end when GPUs or money become free or nodes change, without a change of the deployment itself.
_MAY_RESOLVE = (
    ReadyReason.NO_MATCHING_POOL,
    ReadyReason.MODEL_DOES_NOT_FIT,
    ReadyReason.OBJECTIVES_NOT_MET,
    ReadyReason.NO_CAPACITY,
    ReadyReason.OVER_BUDGET,
    ReadyReason.NO_PRICE,
    ReadyReason.BUDGET_UNREADABLE,
)


@dataclass(slots=True, kw_only=True)
class Decided:
    """A decision in force. `demand` is None for a spec that cannot be read. `pools` are those of the placements.

    `manifests` are the identities and hashes of what was rendered for it, once it was rendered; `reserved`: what it
    promises is stored. `admitted`: of a refused change, the decision that was in force before (None: not known).
    """

    uid: str
    generation: int
    decision: Decision
    demand: Demand | None
    pools: dict[str, Pool]
    manifests: dict[ChildIdentity, str] | None = field(default=None)
    reserved: bool = False
    admitted: "Decided | None" = None

    def is_about(self, item: InferenceDeploymentObject) -> bool:
        """Whether it was decided for this very object and spec."""
        return (self.uid, self.generation) == (item.uid, item.generation)

    @property
    def leave_alone(self) -> bool:
        """Whether nothing may be started or changed: the work has ended, or a refused spec's predecessor still runs."""
        return self.decision.ended or (self.decision.blocked is not None and bool(self.decision.placements))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """One deployment to bring about and report."""

    key: Key
    decided: Decided

    def __str__(self) -> str:
        return str(self.key)


class Planner:
    """See the module. `submit(work)` takes each work item."""

    def __init__(
        self,
        *,
        store: Store,
        queue: KeyedQueue[Key],
        snapshots: Snapshots,
        enqueuer: Enqueuer,
        submit: Callable[[WorkItem], None],
        now: Callable[[], datetime],
        on_planned: Callable[[Sequence[Decision], float], None],
        leading: asyncio.Event,
        prepare: Callable[[], Awaitable[None]],
    ) -> None:
        """`on_planned` is told the decisions of a batch and the seconds they took; `leading` is set while we lead.

        `prepare` returns once everything is known that decisions depend on.
        """
        self._store = store
        self._queue = queue
        self._snapshots = snapshots
        self._enqueuer = enqueuer
        self._submit = submit
        self._now = now
        self._on_planned = on_planned
        self._leading = leading
        self._prepare = prepare
        self._decided: dict[Key, Decided] = {}

    async def run(self) -> None:
        """Decide until the queue is closed."""
        while keys := await self._queue.take(limit=_BATCH, idle=_IDLE_SECONDS, longest=_LONGEST_SECONDS):
            await self._leading.wait()
            await self._prepare()
            try:
                self._decide(keys)
            except Exception:  # noqa: BLE001 - the top loop: one bad object must not stop the others
                _log.exception("a batch of %d could not be decided; deciding one by one", len(keys))
                self._decide_one_by_one(keys)
            for key in keys:
                decided = self._decided.get(key)
                if decided is not None:
                    self._come_back(key, decided.decision)
                    self._submit(WorkItem(key=key, decided=decided))
            await asyncio.sleep(0)

    def decided(self, key: Key) -> Decided | None:
        """Return the decision in force for one deployment, None before the first."""
        return self._decided.get(key)

    def decisions(self) -> dict[Key, Decision]:
        """Return the decisions in force."""
        return {key: decided.decision for key, decided in self._decided.items()}

    def _decide_one_by_one(self, keys: list[Key]) -> None:
        for key in list(keys):
            self._enqueuer.decide_later(key)
            try:
                self._decide([key])
            except Exception:  # noqa: BLE001 - see run
                _log.exception("%s could not be decided", key)
                keys.remove(key)
                self._queue.retry(key)

    def _decide(self, keys: list[Key]) -> None:
        """Bring `self._decided` up to date for these keys; keys without an object are done with."""
        pending = []
        for key in list(keys):
            item = self._store.deployments.get(key)
            if item is None or item.deleting:
                self._forget(key, gone=item is None)
                keys.remove(key)
                self._queue.done(key)
                continue
            if self._store.namespaces.get(NamespacedName("", item.namespace)) is None:
                self._wait_for_namespace(key)
                keys.remove(key)
                continue
            if self._needs_decision(key, item):
                pending.append(item)
        if pending:
            self._decide_all(pending)

    def _wait_for_namespace(self, key: Key) -> None:
        """Decide when the namespace is known: until then nobody can tell which budgets pay.

        A namespace and what is in it are often created at once, and their watches are not in step. News of the
        namespace wakes the deployment.
        """
        self._enqueuer.decide_later(key)
        self._queue.done(key)

    def _needs_decision(self, key: Key, item: InferenceDeploymentObject) -> bool:
        due = self._enqueuer.take_undecided(key)
        known = self._decided.get(key)
        if due or known is None or not known.is_about(item):
            return True
        now = self._now()
        return known.decision.moving or any(time <= now for time in self._appointments(key, known.decision))

    def _come_back(self, key: Key, decision: Decision) -> None:
        """Look again when time alone may change the decision."""
        now = self._now()
        wait = min((time - now for time in self._appointments(key, decision) if time > now), default=None)
        if wait is not None:
            self._queue.add_after(key, wait.total_seconds())

    def _appointments(self, key: Key, decision: Decision) -> Iterable[datetime]:
        """When waiting may come to an end: what the decision says, and pods that find no node or are refused."""
        if decision.revisit_at is not None:
            yield decision.revisit_at
        for pod in self._store.pods_of(key):
            if pod.unscheduled_since is not None and pod.unscheduled and not pod.deleting:
                yield pod.unscheduled_since + SCHEDULE_TIMEOUT
        for child in self._store.children_of(key).values():
            if child.refusal is not None and child.refusal.since is not None:
                yield child.refusal.since + SCHEDULE_TIMEOUT

    def _decide_all(self, items: list[InferenceDeploymentObject]) -> None:
        started = time.perf_counter()
        for item in items:  # nobody works on these: what an earlier decision promised and did not store is void
            self._snapshots.settled(item.uid)
        world = self._snapshots.world()
        demands = {item.key: self._snapshots.demand(item) for item in items}
        asked = [demand for demand in demands.values() if isinstance(demand, Demand)]
        decisions = {decision.uid: decision for decision in decide(world, asked, now=self._now())}
        pools = {pool.name: replace(pool, nodes=()) for pool in world.pools}
        for item in items:
            demand = demands[item.key]
            if isinstance(demand, Unreadable):
                decision = _unreadable(item, demand, world)
                self._accept(item, None, decision, pools)
            else:
                decision = decisions[item.uid]
                self._snapshots.assume(demand, decision)
                self._accept(item, demand, decision, pools)
        self._on_planned(tuple(decisions.values()), time.perf_counter() - started)

    def _accept(
        self, item: InferenceDeploymentObject, demand: Demand | None, decision: Decision, pools: dict[str, Pool]
    ) -> None:
        used = frozenset(placement.pool for placement in decision.placements)
        before = self._decided.get(item.key)
        if before is not None and _spends_less(before.decision, decision):
            self._enqueuer.wake_waiting()
        self._decided[item.key] = Decided(
            uid=item.uid,
            generation=item.generation,
            decision=decision,
            demand=demand,
            pools={name: pool for name, pool in pools.items() if name in used},
            admitted=_admitted(before, item, decision),
        )
        held = decision.budget.reason == ConditionReason.GROWTH_HELD
        # What runs and may move waits for room where it would be cheaper.
        movable = demand is not None and demand.spec.rebalance_policy is RebalancePolicy.WHEN_CHEAPER
        waiting = decision.blocked in _MAY_RESOLVE or held or (movable and not decision.ended)
        self._enqueuer.decided(item.key, waiting=waiting, pools=used, priced=decision.pools)

    def _forget(self, key: Key, *, gone: bool) -> None:
        if gone:
            self._decided.pop(key, None)
            self._enqueuer.forget(key)


def _admitted(before: Decided | None, item: InferenceDeploymentObject, decision: Decision) -> Decided | None:
    """What was in force before a change of the spec was refused; of an admitted one nothing has to be remembered."""
    if decision.blocked is None or before is None or before.uid != item.uid:
        return None
    return before if before.decision.blocked is None else before.admitted


def _spends_less(before: Decision, after: Decision) -> bool:
    return after.run_rate < before.run_rate or len(after.placements) < len(before.placements)


def _unreadable(item: InferenceDeploymentObject, problem: Unreadable, world: World) -> Decision:
    """A decision about a spec that cannot be read: nothing new, and what runs is left alone."""
    holding = world.holdings.get(item.uid)
    return Decision(
        uid=item.uid,
        namespace=item.namespace,
        name=item.name,
        placements=holding.placements if holding else (),
        candidates=(),
        blocked=ReadyReason.INVALID_SPEC,
        message=problem.message,
        budget=BudgetVerdict(within=True, reason=ConditionReason.NOT_DECIDED, message="nothing is decided yet"),
        history=holding.history if holding else NO_HISTORY,
    )
