"""Models that only the hub knows: asked once, remembered, asked again when that may help, and never waited for."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from inferfleet.domain.model import Model, UnknownModel
from inferfleet.observe.hub import HubAccess, Unreachable
from inferfleet.observe.hub_cache import HubCache, hub_is_off
from tests.builders import LLAMA_8B, model

Answer = Model | UnknownModel | Unreachable
ACCESS = HubAccess(endpoint="https://hub.example")
KNOWN = model(LLAMA_8B)
GATED = UnknownModel(id="acme/llm", message="acme/llm is gated: describe it with a ModelProfile")
AWAY = Unreachable(message="https://hub.example did not answer")


class Hub:
    """Answers that a test gives, one after the other; the last one stays."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.now = 0.0
        self.news: asyncio.Queue[str] = asyncio.Queue()
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()
        self.models = HubCache(ACCESS, on_answer=self.news.put_nowait, ask=self.answer, clock=lambda: self.now)

    def answer(self, access: HubAccess, model_id: str, revision: str) -> Answer:
        with self._lock:
            self.asked.append(model_id)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.gate.wait(10)
        with self._lock:
            self.at_once -= 1
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def heard(self) -> str:
        async with asyncio.timeout(10):
            return await self.news.get()

    def find(self, model_id: str = "acme/llm") -> Model | UnknownModel:
        return self.models.find(model_id, "main")


def words(found: Model | UnknownModel) -> str:
    assert isinstance(found, UnknownModel), found
    return found.message


async def test_while_the_hub_is_asked_the_answer_says_whom() -> None:
    hub = Hub(KNOWN)
    found = hub.find()
    assert "asking hub.example" in words(found)
    assert isinstance(found, UnknownModel)
    assert found.pending
    await hub.heard()


async def test_the_answer_is_told_and_remembered() -> None:
    hub = Hub(KNOWN)
    hub.find()
    assert await hub.heard() == "acme/llm"
    hub.now = 1e9
    assert hub.find() == KNOWN
    assert hub.asked == ["acme/llm"]


async def test_many_who_ask_at_once_are_one_look_up() -> None:
    hub = Hub(KNOWN)
    for _ in range(20):
        hub.find()
    await hub.heard()
    assert hub.asked == ["acme/llm"]


async def test_few_look_ups_run_at_the_same_time() -> None:
    hub = Hub(KNOWN)
    for number in range(20):
        hub.find(f"acme/llm-{number}")
    for _ in range(20):
        await hub.heard()
    assert hub.most_at_once <= 4


async def test_a_refusal_is_believed_for_ten_minutes() -> None:
    hub = Hub(GATED, KNOWN)
    hub.find()
    await hub.heard()
    hub.now = 599.0
    assert "is gated" in words(hub.find())
    hub.now = 601.0
    assert "is gated" in words(hub.find())  # until the new answer comes
    await hub.heard()
    assert hub.find() == KNOWN


async def test_a_hub_that_is_away_is_asked_again_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(AWAY, KNOWN)
    later: list[tuple[float, Callable[..., object]]] = []
    loop = asyncio.get_running_loop()
    hub.find()
    monkeypatch.setattr(loop, "call_later", lambda seconds, act, *args: later.append((seconds, act)))
    await hub.news.get()
    monkeypatch.undo()
    assert "asked again in 5 s" in words(hub.find())
    assert [seconds for seconds, _ in later] == [5.0]
    hub.now = 6.0
    hub.find()
    await hub.heard()
    assert hub.find() == KNOWN


async def test_a_bug_in_a_look_up_is_no_end() -> None:
    hub = Hub(KNOWN)

    def broken(access: HubAccess, model_id: str, revision: str) -> Answer:
        raise KeyError("layers")

    hub.models = HubCache(ACCESS, on_answer=hub.news.put_nowait, ask=broken, clock=lambda: hub.now)
    hub.find()
    await hub.heard()
    assert "failed" in words(hub.find())


def test_where_the_hub_is_off_the_answer_says_how_it_is_switched_on() -> None:
    found = hub_is_off("acme/llm", "main")
    assert "INFERFLEET_HUB_ENABLED=false" in found.message
    assert "ModelProfile" in found.message
    assert not found.pending
