"""Which engines that ended calibrate, and when: at once where it is proof, later where it may have been chance."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from inferfleet.app.calibration.book import CalibrationBook
from inferfleet.app.calibration.out_of_memory import OutOfMemoryWatch
from inferfleet.app.calibration.subjects import Subject
from inferfleet.apply.errors import NotFound
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.observed import PodFacts
from tests.unit.app.engine_scene import KEY, Scene, ended

CUDA = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 786.00 MiB."
NO_CACHE = "ValueError: No available memory for the cache blocks."
BUSY = "Free memory on device cuda:0 (61.13/79.19 GiB) on startup is less than desired GPU memory utilization"


@dataclass
class Watched:
    """A scene with a watch for engines that run out of memory."""

    last_log: Callable[[PodFacts], Awaitable[str]] | None = None
    running: bool = False
    scene: Scene = field(default_factory=Scene)
    calibrations: list[Calibration] = field(default_factory=list)
    book: CalibrationBook = field(
        default_factory=lambda: CalibrationBook(now=lambda: datetime(2026, 11, 1, tzinfo=UTC))
    )
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.watch = OutOfMemoryWatch(
            self.scene.store,
            self.book,
            subjects=lambda key: self.scene.subjects() if key == KEY else (),
            running=lambda key: self.running,
            on_out_of_memory=self.take,
            last_log=self.last_log,
        )

    def take(self, subject: Subject, calibration: Calibration) -> None:
        self.calibrations.append(calibration)
        self.heard.set()

    def ends(self, message: str, *, restarts: int = 1) -> bool:
        self.scene.put_pod(status=ended(message, restarts=restarts))
        return self.watch.touched(KEY)


def test_out_of_memory_while_starting_is_proof_at_once() -> None:
    watched = Watched()
    watched.ends(NO_CACHE)
    (calibration,) = watched.calibrations
    assert calibration.key[2:] == ("nvidia-l40s-48gb", watched.scene.placement.engine)


def test_each_end_is_heard_once() -> None:
    watched = Watched()
    watched.ends(CUDA)
    watched.watch.touched(KEY)
    assert len(watched.calibrations) == 1


def test_nothing_is_calibrated_while_another_pod_runs_the_same_setting() -> None:
    watched = Watched(running=True)
    watched.ends(CUDA)
    assert watched.calibrations == []


def test_its_message_is_kept_for_the_status_all_the_same() -> None:
    watched = Watched(running=True)
    watched.ends(CUDA)
    assert "pod chat-1: CUDA out of memory" in watched.book.out_of_memory_of(watched.scene.store.pods_of(KEY))


def test_an_engine_that_ran_before_must_run_out_of_memory_three_times() -> None:
    watched = Watched()
    (subject,) = watched.scene.subjects()
    watched.book.add(subject.setting.calibration(kv_cache_gib=20.0))
    watched.ends(CUDA, restarts=2)
    assert watched.calibrations == []
    watched.ends(CUDA, restarts=3)
    assert len(watched.calibrations) == 1


def test_a_card_that_somebody_else_uses_is_tried_again_first() -> None:
    watched = Watched()
    watched.ends(BUSY, restarts=1)
    assert watched.calibrations == []
    watched.ends(BUSY, restarts=3)
    assert len(watched.calibrations) == 1


def test_other_endings_calibrate_nothing() -> None:
    watched = Watched()
    assert not watched.ends("OSError: gated repo")
    assert watched.calibrations == []


def test_an_end_before_the_first_decision_is_looked_at_again() -> None:
    watched = Watched()
    watched.scene.decided.demand = None
    assert watched.ends(CUDA)
    assert watched.calibrations == []


async def test_the_log_is_asked_where_the_message_says_too_little() -> None:
    async def log(pod: PodFacts) -> str:
        return f"{NO_CACHE}\nRuntimeError: Engine core initialization failed. See root cause above."

    watched = Watched(last_log=log)
    watched.ends("RuntimeError: Engine core initialization failed. See root cause above.")
    async with asyncio.timeout(10):
        await watched.heard.wait()
    assert "nothing was left for the KV cache" in watched.calibrations[0].out_of_memory


async def test_a_log_that_is_gone_is_no_trouble() -> None:
    asked = asyncio.Event()

    async def log(pod: PodFacts) -> str:
        asked.set()
        raise NotFound("pods chat-1 not found", code=404)

    watched = Watched(last_log=log)
    watched.ends("RuntimeError: Engine core initialization failed.")
    async with asyncio.timeout(10):
        await asked.wait()
    assert watched.calibrations == []
