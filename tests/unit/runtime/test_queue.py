"""The keyed queue: coalescing, lanes, delays, retries, and never two at once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferfleet.runtime.backoff import Backoff
from inferfleet.runtime.queue import KeyedQueue, Lane


@pytest.fixture
def queue() -> KeyedQueue[str]:
    return KeyedQueue(backoff=Backoff(first=0.001, longest=0.002))


async def test_many_additions_of_one_key_are_one_piece_of_work(queue: KeyedQueue[str]) -> None:
    for _ in range(100):
        queue.add("a")

    assert await queue.take(limit=10) == ["a"]
    assert len(queue) == 0


async def test_a_key_added_while_it_is_worked_on_comes_again_only_after_it_is_done(queue: KeyedQueue[str]) -> None:
    queue.add("a")
    await queue.take(limit=1)
    queue.add("a")
    queue.add("b")

    assert await queue.take(limit=10) == ["b"]
    queue.done("a")
    assert await queue.take(limit=10) == ["a"]


async def test_the_high_lane_overtakes_the_low_one(queue: KeyedQueue[str]) -> None:
    for number in range(20):
        queue.add(f"low {number}", Lane.LOW)
    queue.add("high")

    assert await queue.take(limit=2) == ["high", "low 0"]


async def test_the_low_lane_is_not_starved(queue: KeyedQueue[str]) -> None:
    queue.add("low", Lane.LOW)
    for number in range(50):
        queue.add(f"high {number}")

    assert "low" in await queue.take(limit=8)


async def test_a_key_in_the_low_lane_moves_up_when_it_is_asked_for_in_the_high_one(queue: KeyedQueue[str]) -> None:
    for key in ("a", "b", "c"):
        queue.add(key, Lane.LOW)
    queue.add("c", Lane.HIGH)

    assert (await queue.take(limit=1)) == ["c"]


async def test_a_delayed_key_comes_later_and_the_earliest_delay_counts(queue: KeyedQueue[str]) -> None:
    queue.add_after("late", 3600)
    queue.add_after("late", 0.001)

    assert await queue.take(limit=1) == ["late"]


async def test_a_failed_key_comes_again_by_itself(queue: KeyedQueue[str]) -> None:
    queue.add("a")
    await queue.take(limit=1)
    queue.retry("a")

    assert await queue.take(limit=1) == ["a"]


async def test_a_server_that_asks_for_patience_gets_it() -> None:
    queue: KeyedQueue[str] = KeyedQueue(backoff=Backoff(first=0.001, longest=0.002))
    queue.add("a")
    await queue.take(limit=1)

    assert queue.retry("a", after=30) == 30


async def test_a_burst_is_taken_as_one_batch(queue: KeyedQueue[str]) -> None:
    async def burst() -> None:
        for number in range(5):
            queue.add(str(number))
            await asyncio.sleep(0)

    batch, _ = await asyncio.gather(queue.take(limit=100, idle=0.05, longest=5), burst())

    assert batch == ["0", "1", "2", "3", "4"]


async def test_a_closed_queue_ends_those_who_wait_for_it(queue: KeyedQueue[str]) -> None:
    taker = asyncio.create_task(queue.take(limit=1))
    await asyncio.sleep(0)
    queue.close()

    assert await taker == []


async def test_how_long_keys_waited_is_reported() -> None:
    waits: list[float] = []
    queue: KeyedQueue[str] = KeyedQueue(on_wait=waits.append)
    queue.add("a")
    await queue.take(limit=1)

    assert len(waits) == 1
    assert waits[0] >= 0


@given(steps=st.lists(st.tuples(st.sampled_from(["add", "low", "take", "done", "retry"]), st.sampled_from("abc"))))
def test_no_key_is_ever_lost_or_handed_out_twice_at_once(steps: list[tuple[str, str]]) -> None:
    async def run() -> None:
        queue: KeyedQueue[str] = KeyedQueue(backoff=Backoff(first=0.0, longest=0.0))
        busy: set[str] = set()
        wanted: set[str] = set()
        for action, key in steps:
            if action in ("add", "low"):
                queue.add(key, Lane.HIGH if action == "add" else Lane.LOW)
                wanted.add(key)
            elif action == "take" and len(queue):
                batch = await queue.take(limit=2)
                assert not busy & set(batch)
                busy |= set(batch)
                wanted -= set(batch)
            elif key in busy:
                busy.remove(key)
                if action == "retry":
                    queue.retry(key)
                    wanted.add(key)
                else:
                    queue.done(key)
        for key in busy:
            queue.done(key)
        found: set[str] = set()
        while wanted - found:
            batch = await asyncio.wait_for(queue.take(limit=3), timeout=5)
            found |= set(batch)
            for key in batch:
                queue.done(key)
        queue.close()

    asyncio.run(run())


@given(failures=st.integers(min_value=0, max_value=10_000))
def test_backoff_grows_to_its_limit_and_never_below_half_of_the_first_delay(failures: int) -> None:
    seconds = Backoff(first=1, longest=60).seconds(failures)

    assert 0.5 <= seconds <= 60
