"""Models that only a hub knows: asked for when somebody says so, never by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from typer.testing import Result

from inferfleet.domain.model import Model, UnknownModel
from inferfleet.observe.hub import HubAccess, Unreachable
from tests.builders import LLAMA_8B, model

Invoke = Callable[..., Result]
Answer = Model | UnknownModel | Unreachable

FIT = ("fit", "--model", "acme/llm", "--gpu", "nvidia-l40s-48gb", "--max-model-len", "8192")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[tuple[HubAccess, str, str]]]:
    """Let the hub give one answer, and note who asked for what."""

    def answer(given: Answer) -> list[tuple[HubAccess, str, str]]:
        asked: list[tuple[HubAccess, str, str]] = []

        def look_up(access: HubAccess, model_id: str, revision: str) -> Answer:
            asked.append((access, model_id, revision))
            return given

        monkeypatch.setattr("inferfleet.cli.hub.look_up", look_up)
        return asked

    return answer


Hub = Callable[[Answer], list[tuple[HubAccess, str, str]]]
KNOWN = replace(model(LLAMA_8B), id="acme/llm")


def test_fit_asks_the_hub_when_told_to(invoke: Invoke, hub: Hub) -> None:
    asked = hub(KNOWN)
    result = invoke(*FIT, "--hub", "--revision", "v2", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["model"]) == (0, "acme/llm")
    assert [question[1:] for question in asked] == [("acme/llm", "v2")]


def test_nobody_is_asked_by_default(invoke: Invoke, hub: Hub) -> None:
    asked = hub(KNOWN)
    assert (invoke(*FIT).exit_code, asked) == (2, [])


def test_the_catalogue_goes_before_the_hub(invoke: Invoke, hub: Hub) -> None:
    asked = hub(KNOWN)
    invoke("fit", "--model", LLAMA_8B, "--gpu", "nvidia-l40s-48gb", "--hub")
    assert asked == []


def test_endpoint_and_token_are_the_operator_s_settings(
    invoke: Invoke, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERFLEET_HF_ENDPOINT", "http://hub.example")
    monkeypatch.setenv("INFERFLEET_HF_TOKEN", "secret")
    asked = hub(KNOWN)
    invoke(*FIT, "--hub")
    assert asked[0][0] == HubAccess(endpoint="http://hub.example", token="secret")


@pytest.mark.parametrize(
    "answer",
    [UnknownModel(id="acme/llm", message="acme/llm is gated"), Unreachable(message="the hub did not answer")],
)
def test_a_hub_that_cannot_say_leaves_bad_input_with_its_words(invoke: Invoke, hub: Hub, answer: Answer) -> None:
    hub(answer)
    result = invoke(*FIT, "--hub")
    assert isinstance(answer, UnknownModel | Unreachable)
    assert (result.exit_code, answer.message in result.stderr) == (2, True)


def test_plan_asks_once_for_two_deployments_of_one_model(invoke: Invoke, hub: Hub, pool: str, chat: str) -> None:
    asked = hub(KNOWN)
    first = chat.replace(LLAMA_8B, "acme/llm")
    second = first.replace("name: chat", "name: other")
    result = invoke("plan", "-f", "-", "--hub", stdin=f"{pool}---{first}---{second}")
    assert (result.exit_code, len(asked)) == (0, 1), result.stderr
