"""What makes Kubernetes restart the process, and what only keeps it out of service."""

import asyncio
from types import SimpleNamespace
from typing import cast

import aiohttp

from inferfleet.app.assembly import _health
from inferfleet.observe.reflector import Reflector
from inferfleet.report.metrics import Metrics
from inferfleet.runtime.health import LoopLag
from inferfleet.settings import Settings


async def test_a_watch_that_falls_silent_makes_the_process_unready_and_does_not_restart_it() -> None:
    synced = asyncio.Event()
    synced.set()
    silent = cast("Reflector", SimpleNamespace(name="pods", silent_seconds=lambda: 1000.0))
    server = _health(Settings(http_port=0), Metrics(), LoopLag(), [silent], synced)
    await server.start()
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session,
        session.get("/livez") as live,
        session.get("/readyz") as ready,
    ):
        codes = (live.status, ready.status)
    await server.stop()
    assert codes == (200, 503)
