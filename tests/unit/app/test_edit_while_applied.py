"""An edit that arrives while its predecessor is carried out: nobody has asked for its money yet."""

from datetime import UTC, datetime
from typing import Any

from inferfleet.app.planner import Decided, WorkItem
from inferfleet.app.reconcile import Reconciler
from inferfleet.domain.demand import Demand
from inferfleet.domain.keys import Key
from inferfleet.domain.resources import Document, Resource
from inferfleet.render import RenderFacts
from inferfleet.report.events import Recorder
from inferfleet.report.metrics import Metrics
from inferfleet.runtime.queue import KeyedQueue
from tests.unit.observe.test_snapshot import KEY, Cluster

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Server:
    """Creates what it is asked to, and edits the deployment meanwhile, if it is told to."""

    def __init__(self, cluster: Cluster, *, edits: bool) -> None:
        self.reported: list[Document] = []
        self._cluster, self._edits = cluster, edits

    async def create(self, resource: Resource, document: Document, *, manager: str) -> Document:
        del manager
        if self._edits:
            self._cluster.deployment("chat", generation=2, replicas=4)
        metadata = {**document["metadata"], "uid": f"uid of {resource.kind}", "resourceVersion": "99"}
        return {**document, "metadata": metadata}

    async def apply(self, resource: Resource, document: Document, **_: Any) -> Document:
        assert resource.kind == "InferenceDeployment"
        self.reported.append(document["status"])
        return self._cluster.deployment("chat", status=document["status"])


async def statuses(*, edits: bool) -> list[Document]:
    """What is reported of the first generation after it was applied."""
    cluster = Cluster()
    cluster.deployment("chat")
    item = cluster.store.deployments.get(KEY)
    assert item is not None
    demand = cluster.snapshots.demand(item)
    assert isinstance(demand, Demand)
    pools = {pool.name: pool for pool in cluster.snapshots.world().pools}
    decided = Decided(
        uid=item.uid, generation=1, decision=cluster.decide("chat"), demand=demand, pools=pools, reserved=True
    )
    server = Server(cluster, edits=edits)

    async def post(note: Document) -> None:
        del note

    reconciler = Reconciler(
        client=server,  # type: ignore[arg-type]  # as much of a client as it needs
        store=cluster.store, queue=KeyedQueue[Key](), snapshots=cluster.snapshots, metrics=Metrics(),
        recorder=Recorder(post, instance="test", now=lambda: NOW), facts=RenderFacts(worker_image=""),
        calibrated=lambda *_: None, may_write=lambda: True, now=lambda: NOW,
    )  # fmt: skip
    await reconciler.handle(WorkItem(key=KEY, decided=decided))
    return server.reported


async def test_what_was_carried_out_is_reported() -> None:
    (status,) = await statuses(edits=False)
    assert status["observedGeneration"] == 1


async def test_a_decision_is_not_reported_of_an_edit_that_it_does_not_know() -> None:
    assert await statuses(edits=True) == []
