"""The worker pool: concurrency, crashes, draining."""

import asyncio

from inferfleet.runtime.workers import Workers


async def test_everything_submitted_is_handled_before_drain_returns() -> None:
    handled: list[int] = []

    async def handle(item: int) -> None:
        await asyncio.sleep(0)
        handled.append(item)

    workers = Workers(handle, count=3, on_crash=lambda _: None)
    for number in range(20):
        workers.submit(number)

    assert await workers.drain(5)
    assert sorted(handled) == list(range(20))


async def test_no_more_than_the_given_number_run_at_once() -> None:
    running, most = 0, 0

    async def handle(_: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    workers = Workers(handle, count=2, on_crash=lambda _: None)
    for number in range(10):
        workers.submit(number)
    await workers.drain(5)

    assert most == 2


async def test_a_crash_is_handed_back_and_the_others_go_on() -> None:
    crashed: list[int] = []
    handled: list[int] = []

    async def handle(item: int) -> None:
        if item == 1:
            raise ValueError("a bug")
        handled.append(item)

    workers = Workers(handle, count=1, on_crash=crashed.append)
    for number in (1, 2):
        workers.submit(number)
    await workers.drain(5)

    assert crashed == [1]
    assert handled == [2]


async def test_work_that_does_not_end_is_given_up_at_the_deadline() -> None:
    async def handle(_: int) -> None:
        await asyncio.Event().wait()

    workers = Workers(handle, count=1, on_crash=lambda _: None)
    workers.submit(1)

    assert not await workers.drain(0.01)
