"""All parts of the operator, connected, not yet running.

In: settings and credentials. Out: an `Assembly`. This is the one place where it is decided which part gets which other
part. Must not start tasks other than the workers, and must not ask the cluster.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Self

from inferfleet.app.calibration import CalibrationBook, CalibrationStorage, Calibrator, calibrated, sources
from inferfleet.app.enqueue import Enqueuer
from inferfleet.app.leadership import LeadershipTerm
from inferfleet.app.planner import Planner, WorkItem
from inferfleet.app.platform import PlatformReporter
from inferfleet.app.reconcile import Reconciler
from inferfleet.apply.client import Client
from inferfleet.apply.credentials import Credentials
from inferfleet.apply.lease import LeaseInCluster
from inferfleet.domain.children import DEPLOYMENT_LABEL
from inferfleet.domain.keys import Key, Kind
from inferfleet.domain.resources import (
    BUDGET_POLICY,
    CHILDREN,
    EVENT,
    GPU_POOL,
    GPU_TYPE,
    INFERENCE_DEPLOYMENT,
    MODEL_PROFILE,
    NAMESPACE,
    NODE,
    POD,
    Document,
    Resource,
)
from inferfleet.observe.catalog import HubLookup
from inferfleet.observe.hub import HubAccess
from inferfleet.observe.hub_cache import HubCache, hub_is_off
from inferfleet.observe.objects import InferenceDeploymentObject
from inferfleet.observe.reflector import Reflector
from inferfleet.observe.snapshot import Snapshots
from inferfleet.observe.store import Store
from inferfleet.observe.table import AnyTable
from inferfleet.render import RenderFacts
from inferfleet.report.events import Recorder
from inferfleet.report.metrics import Metrics
from inferfleet.runtime.clock import utc_now
from inferfleet.runtime.health import Check, HealthServer, LoopLag
from inferfleet.runtime.leader import Leader
from inferfleet.runtime.queue import KeyedQueue
from inferfleet.runtime.workers import Workers
from inferfleet.settings import Settings

# Three bookmark intervals without a word.
_SILENT_SECONDS = 200.0
_LAG_SECONDS = 5.0
_SPARE_CONNECTIONS = 8
_EVENT_MANAGER = "inferfleet.dev/events"


@dataclass(slots=True, kw_only=True)
class Assembly:
    """The parts that the process starts and stops. `synced` is set once everything was listed."""

    client: Client
    store: Store
    tables: dict[Resource, AnyTable]
    queue: KeyedQueue[Key]
    enqueuer: Enqueuer
    reflectors: list[Reflector]
    planner: Planner
    calibrator: Calibrator
    workers: Workers[WorkItem]
    platform: PlatformReporter
    recorder: Recorder
    leader: Leader
    health: HealthServer
    lag: LoopLag
    synced: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def build(cls, settings: Settings, credentials: Credentials) -> Self:
        """Connect everything; must be called inside the event loop."""
        metrics, store = Metrics(), Store()
        client = Client(credentials, on_request=metrics.requested, connections=_connections(settings))
        queue: KeyedQueue[Key] = KeyedQueue(on_wait=partial(metrics.waited, Kind.INFERENCE_DEPLOYMENT))
        book = CalibrationBook(now=utc_now)
        snapshots = Snapshots(
            store,
            budgets_required=settings.budgets_required,
            hub_lookup=_hub(settings, on_answer=lambda model_id: enqueuer.model_answered(model_id)),  # noqa: PLW0108 - bound below
            calibrations=book.all,
        )
        lease = LeaseInCluster(client, namespace=settings.namespace, name=settings.lease_name)
        leader = Leader(lease, identity=settings.identity, now=utc_now, on_acquired=lambda: begin())  # noqa: PLW0108 - bound below
        recorder = Recorder(_post_event(client), instance=settings.identity, now=utc_now)
        reconciler = Reconciler(
            client=client,
            store=store,
            queue=queue,
            snapshots=snapshots,
            recorder=recorder,
            metrics=metrics,
            facts=RenderFacts(worker_image=settings.worker_image),
            calibrated=lambda decided, pods: calibrated(book, decided, book.out_of_memory_of(pods)),
            may_write=lambda: leader.is_leader,
            now=utc_now,
            price_max_age=timedelta(days=settings.price_max_age_days),
        )
        workers = Workers(reconciler.handle, count=settings.workers, on_crash=reconciler.crashed)

        def removed(item: InferenceDeploymentObject) -> None:
            snapshots.removed(item)
            reconciler.forget(item)

        def touched(key: Key) -> None:
            snapshots.touched(key)
            calibrator.touched(key)

        term = LeadershipTerm(client, _tables(store), namespaces=settings.watch_namespaces)

        async def prepare() -> None:
            await term.prepare()
            await calibrator.prepare()

        enqueuer = Enqueuer(store, queue, on_touched=touched, on_removed=removed)
        store.listen(enqueuer)
        planner = Planner(
            store=store,
            queue=queue,
            snapshots=snapshots,
            enqueuer=enqueuer,
            submit=workers.submit,
            now=utc_now,
            on_planned=metrics.planned,
            leading=leader.acquired,
            prepare=prepare,
        )
        calibrator = Calibrator(
            store=store,
            book=book,
            storage=CalibrationStorage(client, namespace=settings.namespace),
            sources=sources(settings, client),
            planner=planner,
            enqueuer=enqueuer,
            recorder=recorder,
            count=metrics.reading,
            may_write=lambda: leader.is_leader,
            now=time.time,
            seconds=settings.scrape_seconds,
        )

        def begin() -> None:
            snapshots.forget_assumed()
            term.begin()
            calibrator.begin_term()
            enqueuer.wake_everybody()

        platform = PlatformReporter(
            client=client,
            store=store,
            snapshots=snapshots,
            metrics=metrics,
            may_write=lambda: leader.is_leader,
            now=utc_now,
            price_max_age=timedelta(days=settings.price_max_age_days),
        )
        reflectors = _reflectors(client, store, settings, metrics)
        metrics.follow_queue(
            Kind.INFERENCE_DEPLOYMENT,
            depth=lambda: len(queue),
            adds=lambda: queue.added,
            retries=lambda: queue.retried,
        )
        metrics.follow(leader=lambda: leader.is_leader, calibrations=lambda: len(book))
        lag = LoopLag(on_lag=metrics.lagged)
        synced = asyncio.Event()
        return cls(
            client=client,
            store=store,
            tables=_tables(store),
            queue=queue,
            enqueuer=enqueuer,
            reflectors=reflectors,
            planner=planner,
            calibrator=calibrator,
            workers=workers,
            platform=platform,
            recorder=recorder,
            leader=leader,
            health=_health(settings, metrics, lag, reflectors, synced),
            lag=lag,
            synced=synced,
        )


def _hub(settings: Settings, *, on_answer: Callable[[str], None]) -> HubLookup:
    """Who knows other models: a hub, with the operator's own token, or nobody."""
    if not settings.hub_enabled:
        return hub_is_off
    token = settings.hf_token.get_secret_value() if settings.hf_token else None
    return HubCache(HubAccess(endpoint=settings.hf_endpoint, token=token), on_answer=on_answer).find


def _connections(settings: Settings) -> int:
    """Enough that watches and workers never keep the Lease waiting."""
    watches = 3 + len(CHILDREN) * max(1, len(settings.watch_namespaces))
    return settings.workers + watches + _SPARE_CONNECTIONS


def _tables(store: Store) -> dict[Resource, AnyTable]:
    """The tables that Kopf feeds."""
    return {
        INFERENCE_DEPLOYMENT: store.deployments,
        BUDGET_POLICY: store.policies,
        GPU_POOL: store.pools,
        GPU_TYPE: store.gpu_types,
        MODEL_PROFILE: store.profiles,
    }


def _reflectors(client: Client, store: Store, settings: Settings, metrics: Metrics) -> list[Reflector]:
    """Nodes, pods and namespaces are read everywhere: free GPUs and budgets cannot be counted from a part."""
    found = [
        Reflector(client, NODE, store.nodes, on_restart=metrics.watch_restarted),
        Reflector(client, POD, store.pods, on_restart=metrics.watch_restarted),
        Reflector(client, NAMESPACE, store.namespaces, on_restart=metrics.watch_restarted),
    ]
    found += [
        Reflector(
            client,
            resource,
            store.children[resource],
            namespace=namespace,
            selector=DEPLOYMENT_LABEL,
            on_restart=metrics.watch_restarted,
        )
        for resource in CHILDREN
        for namespace in settings.watch_namespaces or (None,)
    ]
    return found


def _health(
    settings: Settings, metrics: Metrics, lag: LoopLag, reflectors: list[Reflector], synced: asyncio.Event
) -> HealthServer:
    def silent(reflector: Reflector) -> Check:
        def check() -> str | None:
            seconds = reflector.silent_seconds()
            return f"nothing heard for {seconds:.0f} s" if seconds > _SILENT_SECONDS else None

        return check

    live: dict[str, Check] = {"event loop": lambda: lag.check(_LAG_SECONDS)}
    # A restart mends no API server: silence is a reason to send nobody here, not to be killed.
    ready: dict[str, Check] = {"cache": lambda: None if synced.is_set() else "not everything was listed yet"}
    ready |= {f"watch of {reflector.name}": silent(reflector) for reflector in reflectors}
    return HealthServer(port=settings.http_port, live=live, ready=ready, metrics=metrics.render)


def _post_event(client: Client) -> Callable[[Document], Awaitable[object]]:
    async def post(document: Document) -> object:
        return await client.create(EVENT, document, manager=_EVENT_MANAGER)

    return post
