"""Which budgets pay depends on the namespace's labels: nothing is decided before they are known."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from inferfleet.app.enqueue import Enqueuer
from inferfleet.app.planner import Planner, WorkItem
from inferfleet.domain.keys import Key
from inferfleet.observe.snapshot import Snapshots
from inferfleet.observe.store import Store
from inferfleet.runtime.queue import KeyedQueue
from tests.builders import REAL_TIME

VERSION = "inferfleet.dev/v1alpha1"


def document(kind: str, name: str, *, namespace: str = "", **body: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1", "generation": 1}
    return {"apiVersion": VERSION, "kind": kind, "metadata": metadata, **body}


async def planned_before_and_after_the_namespace() -> tuple[list[str], list[str]]:
    """Plan one deployment whose namespace is seen later; returns the work items before that and after it."""
    store, queue = Store(), KeyedQueue[Key]()
    snapshots = Snapshots(store, budgets_required=False)
    enqueuer = Enqueuer(store, queue, on_touched=snapshots.touched, on_removed=snapshots.removed)
    items, leading, submitted = list[WorkItem](), asyncio.Event(), asyncio.Event()
    leading.set()

    async def prepare() -> None:
        return

    def submit(item: WorkItem) -> None:
        items.append(item)
        submitted.set()

    planner = Planner(
        store=store, queue=queue, snapshots=snapshots, enqueuer=enqueuer, submit=submit,
        now=lambda: datetime(2026, 11, 1, tzinfo=UTC), on_planned=lambda *_: None, leading=leading, prepare=prepare,
    )  # fmt: skip
    store.listen(enqueuer)
    store.deployments.put(document("InferenceDeployment", "chat", namespace="new", spec=REAL_TIME))
    running = asyncio.create_task(planner.run())
    await quiet(queue)
    before = [str(item) for item in items]
    store.namespaces.put(document("Namespace", "new"))
    async with asyncio.timeout(10):
        await submitted.wait()
    queue.close()
    await running
    return before, [str(item) for item in items]


async def quiet(queue: KeyedQueue[Key]) -> None:
    """Wait until nothing waits and nothing is being worked on."""
    async with asyncio.timeout(10):
        while not queue.idle:  # noqa: ASYNC110 - a queue does not tell when it becomes idle
            await asyncio.sleep(0)


def test_a_deployment_is_decided_when_its_namespace_is_seen_and_not_before() -> None:
    assert asyncio.run(planned_before_and_after_the_namespace()) == ([], ["InferenceDeployment new/chat"])
