"""Promises that were never stored, and who waits since when."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from inferfleet.api.reasons import ReadyReason
from inferfleet.app.enqueue import Enqueuer
from inferfleet.app.planner import Planner, WorkItem
from inferfleet.domain.demand import Demand
from inferfleet.domain.keys import Key
from inferfleet.runtime.queue import KeyedQueue
from tests.unit.observe.test_snapshot import KEY, Cluster


async def work_of_two_specs_of_which_the_first_is_not_stored(*, node_changes: bool = False) -> list[WorkItem]:
    """Plan a spec that is served, then one that no pool can serve; nothing is written in between.

    `node_changes`: a node of the cluster does afterwards.
    """
    cluster, queue, items = Cluster(), KeyedQueue[Key](), list[WorkItem]()
    enqueuer = Enqueuer(
        cluster.store, queue, on_touched=cluster.snapshots.touched, on_removed=cluster.snapshots.removed
    )
    leading = asyncio.Event()
    leading.set()
    planned = asyncio.Semaphore(0)

    async def prepare() -> None:
        return

    def submit(item: WorkItem) -> None:
        items.append(item)
        queue.done(item.key)
        planned.release()

    planner = Planner(
        store=cluster.store, queue=queue, snapshots=cluster.snapshots, enqueuer=enqueuer, submit=submit,
        now=lambda: datetime(2026, 11, 1, tzinfo=UTC), on_planned=lambda *_: None, leading=leading, prepare=prepare,
    )  # fmt: skip
    cluster.store.listen(enqueuer)
    running = asyncio.create_task(planner.run())
    async with asyncio.timeout(10):
        cluster.deployment("chat")
        await planned.acquire()
        cluster.deployment("chat", generation=2, placement={"pools": ["none"]})
        while len(items) < 2 or items[-1].decided.generation != 2:
            await planned.acquire()
        if node_changes:
            cluster.put("nodes", "Node", "node-2", status={"allocatable": {"nvidia.com/gpu": "4"}})
            await planned.acquire()
    queue.close()
    await running
    return items


def test_a_placement_that_was_never_stored_is_void_when_the_next_spec_is_refused() -> None:
    items = asyncio.run(work_of_two_specs_of_which_the_first_is_not_stored())

    assert items[0].decided.decision.placements != ()
    assert items[-1].decided.decision.placements == ()


def test_work_that_no_pool_could_serve_is_decided_again_when_a_node_changes() -> None:
    items = asyncio.run(work_of_two_specs_of_which_the_first_is_not_stored(node_changes=True))

    assert items[-2].decided.decision.blocked is ReadyReason.NO_MATCHING_POOL
    assert items[-1].decided.generation == items[-2].decided.generation


def condition(kind: str, status: str, reason: str, time: str) -> dict[str, Any]:
    return {
        "type": kind, "status": status, "reason": reason, "message": "", "observedGeneration": 1,
        "lastTransitionTime": time,
    }  # fmt: skip


def test_weeks_of_an_unknown_model_are_no_seniority_in_the_queue_for_money() -> None:
    cluster = Cluster()
    planned = condition("Planned", "False", "OverBudget", "2026-11-20T00:00:00Z")
    ready = condition("Ready", "False", "OverBudget", "2026-10-01T00:00:00Z")
    cluster.deployment("chat", status={"conditions": [planned, ready]})
    item = cluster.store.deployments.get(KEY)
    assert item is not None

    demand = cluster.snapshots.demand(item)

    assert isinstance(demand, Demand)
    assert demand.first_refused == datetime(2026, 11, 20, tzinfo=UTC)
