"""Statuses of platform objects: one that cannot be written does not hold up the others."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from inferfleet.app.platform import PlatformReporter
from inferfleet.apply.errors import ServerError
from inferfleet.domain.resources import Resource
from inferfleet.report.metrics import Metrics
from tests.unit.observe.test_snapshot import Cluster


class Server:
    """Takes statuses of everything but pools."""

    def __init__(self) -> None:
        self.taken, self.complete = set[str](), asyncio.Event()

    async def apply(self, resource: Resource, document: dict[str, Any], **_: object) -> dict[str, Any]:
        if resource.kind == "GPUPool":
            raise ServerError("no", code=500)
        self.taken.add(resource.kind)
        self.complete.set()
        metadata = {**document["metadata"], "resourceVersion": "99", "generation": 1}
        return {**document, "metadata": metadata, "spec": {"namespaceSelector": {}, "usdPerMonth": "1"}}


async def kinds_that_were_written() -> set[str]:
    cluster, server = Cluster(), Server()
    reporter = PlatformReporter(
        client=server, store=cluster.store, snapshots=cluster.snapshots, metrics=Metrics(),  # type: ignore[arg-type]  # as much of a client as it needs
        may_write=lambda: True, now=lambda: datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip
    running = asyncio.create_task(reporter.run())
    async with asyncio.timeout(30):
        await server.complete.wait()
    running.cancel()
    return server.taken


def test_a_pool_that_cannot_be_reported_does_not_hold_up_the_budgets() -> None:
    assert asyncio.run(kinds_that_were_written()) == {"BudgetPolicy"}
