"""The health endpoints: codes, texts, metrics."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from inferfleet.runtime.health import HealthServer, LoopLag


@pytest.fixture
async def server() -> AsyncIterator[HealthServer]:
    server = HealthServer(
        port=0,
        live={"loop": lambda: None},
        ready={"loop": lambda: None, "cache": lambda: "pods are not listed yet"},
        metrics=lambda: b"up 1\n",
    )
    await server.start()
    yield server
    await server.stop()


async def fetch(server: HealthServer, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{server.port}{path}") as answer:
        return answer.status, await answer.text()


async def test_a_healthy_process_is_live(server: HealthServer) -> None:
    assert await fetch(server, "/livez") == (200, "[+] loop: ok\n")


async def test_a_failing_check_is_named_and_makes_it_unready(server: HealthServer) -> None:
    status, text = await fetch(server, "/readyz")

    assert status == 503
    assert "[-] cache: pods are not listed yet" in text


async def test_metrics_are_served_as_prometheus_text(server: HealthServer) -> None:
    assert await fetch(server, "/metrics") == (200, "up 1\n")


def test_a_single_pause_of_the_loop_is_no_reason_to_be_killed() -> None:
    lag = LoopLag()
    lag._recent = [0.0, 0.0, 9.0, 0.0, 0.0]

    assert lag.check(longest=5.0) is None


def test_a_loop_that_is_always_late_is_reported() -> None:
    lag = LoopLag()
    lag._recent = [9.0] * 5

    assert lag.check(longest=5.0) is not None
