"""One pass over one deployment: store the reservation, make the cluster equal to the decision, report.

In: a `WorkItem`. Out: writes, by way of `apply` and `report`, and the key handed back to the queue. The order is what
keeps money safe: a promise is stored before anything uses it, so a crash in between loses nothing. Must not decide.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from inferfleet.api.objects import dump
from inferfleet.api.reasons import ReadyReason
from inferfleet.api.v1alpha1 import InferenceDeploymentStatus
from inferfleet.app.children import Children, Outcome
from inferfleet.app.planner import Decided, WorkItem
from inferfleet.apply.applier import Applier
from inferfleet.apply.client import Client
from inferfleet.apply.errors import ApiError, Conflict, NotFound, NotLeading
from inferfleet.apply.status import apply_status
from inferfleet.domain.keys import Key, NamespacedName
from inferfleet.domain.observed import PodFacts
from inferfleet.domain.resources import INFERENCE_DEPLOYMENT
from inferfleet.observe.objects import InferenceDeploymentObject, Unreadable
from inferfleet.observe.pools import members
from inferfleet.observe.snapshot import Snapshots
from inferfleet.observe.store import Store
from inferfleet.render import RenderFacts
from inferfleet.report.events import Recorder, moves, transitions
from inferfleet.report.metrics import Metrics
from inferfleet.report.observation import (
    RESERVED_ONLY,
    UP_TO_DATE,
    Application,
    Calibrated,
    Observation,
)
from inferfleet.report.pod_trouble import UNSCHEDULED_GRACE, still_unscheduled
from inferfleet.report.status import change, reserves, status
from inferfleet.runtime.queue import KeyedQueue

# Counts and wording are written at most this often per object, in seconds; what matters is written at once.
_QUIET_SECONDS = 5.0


class Reconciler:
    """See the module. `may_write()` says whether this process leads."""

    def __init__(
        self,
        *,
        client: Client,
        store: Store,
        queue: KeyedQueue[Key],
        snapshots: Snapshots,
        recorder: Recorder,
        metrics: Metrics,
        facts: RenderFacts,
        calibrated: Callable[[Decided, tuple[PodFacts, ...]], Calibrated | None],
        may_write: Callable[[], bool],
        now: Callable[[], datetime],
        price_max_age: timedelta | None = None,
    ) -> None:
        """`facts` are those of the installation that manifests need; `calibrated` returns what engines say."""
        self._client = client
        self._store = store
        self._queue = queue
        self._snapshots = snapshots
        self._recorder = recorder
        self._metrics = metrics
        self._calibrated = calibrated
        self._may_write = may_write
        self._now = now
        self._price_max_age = price_max_age
        applier = Applier(client, on_written=store.take_child, may_write=may_write)
        self._children = Children(applier=applier, store=store, facts=facts, now=now)
        self._written_at: dict[str, float] = {}

    async def handle(self, work: WorkItem) -> None:
        """Carry out a work item and hand its key back."""
        started = time.perf_counter()
        result = await self._handle(work)
        self._metrics.reconciled(work.key.kind, result, time.perf_counter() - started)

    def crashed(self, work: WorkItem) -> None:
        """Hand the key of a work item back that met a bug."""
        self._queue.retry(work.key)
        self._metrics.reconciled(work.key.kind, "error", 0.0)

    async def _handle(self, work: WorkItem) -> str:
        if not self._may_write():
            self._queue.retry(work.key)
            return "requeue"
        try:
            again = await self._reconcile(work)
        except (Conflict, NotLeading):
            self._queue.retry(work.key)
            return "requeue"
        except ApiError as error:
            self._queue.retry(work.key, after=error.retry_after)
            return "error"
        if again is not None:
            self._queue.retry(work.key, after=again)
            return "requeue"
        self._queue.done(work.key)
        return "success"

    async def _reconcile(self, work: WorkItem) -> float | None:
        """Do the pass. Returns in how many seconds it has to be repeated, None when it need not."""
        item = self._store.deployments.get(work.key)
        if item is None or not work.decided.is_about(item):
            return None  # changed since it was decided; that change has put the key back into the queue
        settled = self._children.are_settled(work.decided, item)
        if not work.decided.reserved:
            await self._reserve(work, item)
        self._snapshots.settled(item.uid)
        outcome = Outcome(application=UP_TO_DATE) if settled else await self._children.bring_about(work.decided, item)
        await self._report(work, outcome)
        return outcome.again

    async def _reserve(self, work: WorkItem, item: InferenceDeploymentObject) -> None:
        """Store what the decision promises, if the stored status does not say so yet."""
        stored = item.read_status()
        promised = self._status(work, item, RESERVED_ONLY)
        if reserves(stored, promised):
            # Decided on what is stored now: what somebody else stored since must not be promised over.
            version = self._store.deployments.version_of(item.key)
            await self._write(item, stored, promised, version=version)
        work.decided.reserved = True

    async def _report(self, work: WorkItem, outcome: Outcome) -> None:
        """Write the status if it differs in substance, or differs at all and was left alone for a while."""
        item = self._store.deployments.get(work.key)
        if item is None or not work.decided.is_about(item):
            return
        stored = item.read_status()
        new = self._status(work, item, outcome.application)
        differs = change(stored, new)
        wait = self._written_at.get(item.uid, 0.0) + _QUIET_SECONDS - time.monotonic()
        if differs.substance or (differs.any and wait <= 0):
            await self._write(item, stored, new)
        elif differs.any:
            self._queue.add_after(work.key, wait)
        if self._may_be_refused(work, item) and new.conditions[-1].reason == ReadyReason.PROGRESSING:
            self._queue.add_after(work.key, UNSCHEDULED_GRACE.total_seconds())

    def _may_be_refused(self, work: WorkItem, item: InferenceDeploymentObject) -> bool:
        """Whether pods wait for a node or to be created at all: trouble only if it lasts."""
        refused = any(child.refusal is not None for child in self._children.of(item).values())
        return refused or still_unscheduled(self._store.pods_of(work.key))

    async def _write(
        self,
        item: InferenceDeploymentObject,
        stored: InferenceDeploymentStatus,
        new: InferenceDeploymentStatus,
        *,
        version: str | None = None,
    ) -> None:
        """Store a status, and tell people what it changes; with a `version` only over that resourceVersion."""
        if not self._may_write():
            raise NotLeading
        try:
            answer = await apply_status(
                self._client,
                INFERENCE_DEPLOYMENT,
                namespace=item.namespace,
                name=item.name,
                uid=item.uid,
                status=dump(new),
                version=version,
            )
        except NotFound as error:
            self._store.deployments.discard(item.key, item.uid)
            raise Conflict(f"{item.name} is gone", code=404) from error
        self._store.take_deployment(answer)
        self._written_at[item.uid] = time.monotonic()
        for note in (*moves(item.owner, stored, new), *transitions(item.owner, stored.conditions, new.conditions)):
            self._recorder.tell(note)

    def forget(self, item: InferenceDeploymentObject) -> None:
        """Forget a deployment that is gone."""
        self._written_at.pop(item.uid, None)

    def _status(
        self, work: WorkItem, item: InferenceDeploymentObject, application: Application
    ) -> InferenceDeploymentStatus:
        pods = self._store.pods_of(item.key)
        seen = Observation(
            generation=item.generation,
            spec=item.spec,
            decision=work.decided.decision,
            application=application,
            children=self._children.of(item),
            pods=pods,
            may_grow=self._may_grow(work),
            now=self._now(),
            calibrated=self._calibrated(work.decided, pods),
            price_max_age=self._price_max_age,
        )
        return status(item.name, item.read_status(), seen)

    def _may_grow(self, work: WorkItem) -> bool:
        """Whether a pool of the placements may still add a node."""
        for name, pool in work.decided.pools.items():
            item = self._store.pools.get(NamespacedName("", name))
            if item is None or isinstance(item.content, Unreadable) or pool.max_nodes is None:
                continue
            if len(tuple(members(pool.node_selector, self._store.nodes.values()))) < pool.max_nodes:
                return True
        return False
