"""Rounds past the engines: who is read, how often, and what comes of readings that fail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from inferfleet.app.calibration.rounds import Rounds
from inferfleet.app.calibration.subjects import Subject
from inferfleet.domain.calibration import Calibration, Unusable
from inferfleet.domain.observed import PodFacts
from inferfleet.domain.refused import Refused
from inferfleet.engine.throughput import CounterSnapshot
from inferfleet.observe.engine_metrics import CacheFacts, Reading
from inferfleet.observe.engine_reader import EnginePlace, ReadingFailed
from tests.unit.app.engine_scene import KEY, Scene

IDLE = CounterSnapshot(
    at_seconds=0.0,
    generation_tokens=0.0,
    token_latency_sum=0.0,
    token_latency_count=0.0,
    running=0.0,
    waiting=0.0,
)
# What 8 requests at 20 ms per token do in a minute.
BUSY = replace(IDLE, running=8.0, generation_tokens=24_000.0, token_latency_sum=480.0, token_latency_count=24_000.0)
GOOD = CacheFacts(blocks=11_000, block_size=16)


@dataclass
class Fleet:
    """One deployment, an engine that answers as told, and rounds past it whose clock the test moves."""

    scene: Scene = field(default_factory=Scene)
    readings: list[Reading | ReadingFailed] = field(default_factory=lambda: [Reading(counters=IDLE, cache=GOOD)])
    start_log: Callable[[PodFacts], Awaitable[str]] | None = None
    leads: bool = True
    now: float = 0.0
    asked: list[EnginePlace] = field(default_factory=list)
    results: "asyncio.Queue[Calibration | Refused[Unusable]]" = field(default_factory=asyncio.Queue)
    asked_to_read: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.rounds = Rounds(
            subjects=lambda key: self.scene.subjects(),
            pods=self.scene.store.pods_of,
            reader=self,
            start_log=self.start_log,
            on_result=self.take,
            may_read=self.may_read,
            now=lambda: self.now,
            seconds=60.0,
        )

    def may_read(self) -> bool:
        if not self.leads:
            self.asked_to_read.set()
        return self.leads

    def take(self, subject: Subject, result: Calibration | Refused[Unusable]) -> None:
        self.results.put_nowait(result)

    async def read(self, place: EnginePlace) -> Reading:
        self.asked.append(place)
        reading = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        if isinstance(reading, ReadingFailed):
            raise reading
        return reading

    async def close(self) -> None:
        """There is nothing to close."""

    async def result(self) -> Calibration | Refused[Unusable]:
        async with asyncio.timeout(10):
            return await self.results.get()


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    made = Fleet()
    made.scene.put_pod()
    task = asyncio.create_task(made.rounds.run())
    yield made
    task.cancel()


async def look(fleet: Fleet, seconds: float = 100.0) -> None:
    """Tell the rounds about the deployment, and let time pass."""
    fleet.rounds.touched(KEY)
    fleet.now += seconds


async def test_a_ready_pod_is_read_and_its_cache_calibrated(fleet: Fleet) -> None:
    await look(fleet)
    calibration = await fleet.result()
    assert isinstance(calibration, Calibration), calibration
    assert calibration.kv_cache_tokens == 176_000
    assert fleet.asked[0] == EnginePlace(namespace="team-a", pod="chat-1", address="10.0.0.1", port=8000)


async def test_one_pod_of_a_placement_is_enough(fleet: Fleet) -> None:
    fleet.scene.put_pod("chat-2")
    await look(fleet)
    await fleet.result()
    assert [place.pod for place in fleet.asked] == ["chat-1"]


async def test_an_engine_that_does_not_answer_is_told_as_such(fleet: Fleet) -> None:
    fleet.readings = [ReadingFailed("http://10.0.0.1:8000/metrics did not answer")]
    await look(fleet)
    result = await fleet.result()
    assert isinstance(result, Refused)
    assert result.reason is Unusable.UNREACHABLE


async def test_stale_samples_stay_stale(fleet: Fleet) -> None:
    fleet.readings = [ReadingFailed("the newest sample is 600 s old", reason=Unusable.STALE)]
    await look(fleet)
    result = await fleet.result()
    assert isinstance(result, Refused)
    assert result.reason is Unusable.STALE


async def test_an_absurd_cache_is_refused(fleet: Fleet) -> None:
    fleet.readings = [Reading(counters=IDLE, cache=CacheFacts(blocks=10**9, block_size=16))]
    await look(fleet)
    result = await fleet.result()
    assert isinstance(result, Refused)
    assert result.reason is Unusable.ABSURD


async def test_two_looks_a_minute_apart_calibrate_the_speed(fleet: Fleet) -> None:
    first = replace(BUSY, generation_tokens=0.0, token_latency_sum=0.0, token_latency_count=0.0)
    fleet.readings = [Reading(counters=first, cache=GOOD), Reading(counters=replace(BUSY, at_seconds=60.0), cache=GOOD)]
    await look(fleet)
    await fleet.result()
    fleet.now += 100.0
    await fleet.result()
    calibration = await fleet.result()
    assert isinstance(calibration, Calibration), calibration
    assert calibration.speed_scale is not None


async def test_counters_of_two_pods_make_no_window(fleet: Fleet) -> None:
    fleet.readings = [Reading(counters=BUSY, cache=GOOD), Reading(counters=replace(BUSY, at_seconds=60.0), cache=GOOD)]
    await look(fleet)
    await fleet.result()
    fleet.scene.put_pod(status={"phase": "Failed"})
    fleet.scene.put_pod("chat-2")
    await look(fleet)
    calibration = await fleet.result()
    assert [place.pod for place in fleet.asked] == ["chat-1", "chat-2"]
    assert isinstance(calibration, Calibration)
    assert fleet.results.empty()


async def test_who_does_not_lead_reads_nothing(fleet: Fleet) -> None:
    fleet.leads = False
    await look(fleet)
    async with asyncio.timeout(10):
        await fleet.asked_to_read.wait()
    assert fleet.asked == []

    fleet.leads = True

    await fleet.result()
    assert len(fleet.asked) == 1


async def test_a_start_up_log_is_read_once_and_goes_before_the_blocks() -> None:
    async def log(pod: PodFacts) -> str:
        return "Available KV cache memory: 22.00 GiB\nGPU KV cache size: 180,224 tokens"

    later = Reading(counters=replace(IDLE, at_seconds=100.0), cache=GOOD)
    fleet = Fleet(start_log=log, readings=[Reading(counters=IDLE, cache=GOOD), later])
    fleet.scene.put_pod()
    task = asyncio.create_task(fleet.rounds.run())
    await look(fleet)
    calibration = await fleet.result()
    assert isinstance(calibration, Calibration), calibration
    assert (calibration.kv_cache_gib, calibration.source) == (22.0, "start-up log")
    fleet.now += 100.0
    result = await fleet.result()
    assert isinstance(result, Refused)
    assert result.message.startswith("too little traffic")
    task.cancel()
