"""Leader election: one at a time, take-over after silence, stepping down in time."""

import asyncio
from copy import deepcopy
from datetime import UTC, datetime

from inferfleet.domain.resources import Document
from inferfleet.runtime.leader import Leader, LeaseTimes

TIMES = LeaseTimes(duration=0.3, renew_deadline=0.2, retry=0.02)


class OneLease:
    """A Lease as the API server keeps it: versioned, and with a switch that breaks the network."""

    def __init__(self) -> None:
        self.stored: Document | None = None
        self.version = 0
        self.broken = False

    async def read(self) -> Document | None:
        self._check()
        return deepcopy(self.stored)

    async def create(self, lease: Document) -> Document | None:
        self._check()
        return None if self.stored else self._store(lease)

    async def replace(self, lease: Document) -> Document | None:
        self._check()
        assert self.stored is not None
        if lease["metadata"]["resourceVersion"] != self.stored["metadata"]["resourceVersion"]:
            return None
        return self._store(lease)

    def _store(self, lease: Document) -> Document:
        self.version += 1
        self.stored = {**deepcopy(lease), "metadata": {"resourceVersion": str(self.version)}}
        return deepcopy(self.stored)

    def _check(self) -> None:
        if self.broken:
            raise ConnectionError("no route to the API server")


def leader(lease: OneLease, identity: str) -> Leader:
    return Leader(lease, identity=identity, now=lambda: datetime(2026, 11, 1, tzinfo=UTC), times=TIMES)


async def test_the_first_acquires_and_the_second_waits() -> None:
    lease = OneLease()
    first, second = leader(lease, "first"), leader(lease, "second")
    one = asyncio.create_task(first.run())
    async with asyncio.timeout(10):
        await first.acquired.wait()
        await second._attempt()

    assert first.is_leader
    assert not second.is_leader
    assert second.holder == "first"
    one.cancel()


async def test_a_successor_takes_over_from_a_leader_that_fell_silent() -> None:
    lease = OneLease()
    first, second = leader(lease, "first"), leader(lease, "second")
    one = asyncio.create_task(first.run())
    await first.acquired.wait()
    one.cancel()

    async with asyncio.timeout(10):
        two = asyncio.create_task(second.run())
        await second.acquired.wait()

    assert second.is_leader
    assert not first.is_leader
    two.cancel()


async def test_a_leader_that_cannot_renew_stops_by_itself_and_leads_again_when_it_can() -> None:
    lease = OneLease()
    terms: list[bool] = []
    lost = asyncio.Event()
    first = Leader(
        lease,
        identity="first",
        now=lambda: datetime(2026, 11, 1, tzinfo=UTC),
        times=TIMES,
        on_acquired=lambda: terms.append(True),
    )
    task = asyncio.create_task(first.run())
    await first.acquired.wait()
    lease.broken = True

    async with asyncio.timeout(10):
        asyncio.get_running_loop().call_later(2 * TIMES.renew_deadline, lost.set)
        await lost.wait()
        assert not first.is_leader
        lease.broken = False
        await first.acquired.wait()

    assert first.is_leader
    assert len(terms) == 2
    task.cancel()


async def test_a_released_lease_is_free_at_once() -> None:
    lease = OneLease()
    first, second = leader(lease, "first"), leader(lease, "second")
    one = asyncio.create_task(first.run())
    await first.acquired.wait()
    one.cancel()
    await first.release()

    assert lease.stored is not None
    assert lease.stored["spec"]["holderIdentity"] == ""
    two = asyncio.create_task(second.run())
    async with asyncio.timeout(10):
        await second.acquired.wait()
    two.cancel()


async def test_of_two_that_race_for_a_free_lease_one_wins() -> None:
    lease = OneLease()
    candidates = [leader(lease, str(number)) for number in range(4)]
    tasks = [asyncio.create_task(candidate.run()) for candidate in candidates]
    async with asyncio.timeout(10):
        await asyncio.wait(
            [asyncio.create_task(candidate.acquired.wait()) for candidate in candidates],
            return_when=asyncio.FIRST_COMPLETED,
        )

    assert sum(candidate.is_leader for candidate in candidates) == 1
    for task in tasks:
        task.cancel()
