"""Events: one per change, none per pass."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from inferfleet.api.conditions import Condition
from inferfleet.api.enums import ConditionStatus
from inferfleet.domain.keys import Kind
from inferfleet.domain.owner import Owner
from inferfleet.domain.resources import Document
from inferfleet.report.events import Note, Recorder, event, transitions

CHAT = Owner(kind=Kind.INFERENCE_DEPLOYMENT, namespace="t", name="chat", uid="u")
NOTE = Note(regarding=CHAT, warning=True, reason="OverBudget", action="Ready", message="m")
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def ready(status: str, reason: str, message: str = "") -> Condition:
    return Condition(type="Ready", status=ConditionStatus(status), reason=reason, message=message)


def test_a_new_reason_is_told() -> None:
    (note,) = transitions(CHAT, (ready("False", "Progressing"),), (ready("True", "Serving"),))

    assert (note.reason, note.warning) == ("Serving", False)


def test_another_wording_is_not_told() -> None:
    assert transitions(CHAT, (ready("False", "NoCapacity", "3 free"),), (ready("False", "NoCapacity", "4 free"),)) == ()


def test_a_refusal_is_a_warning_and_told_once_although_several_conditions_repeat_it() -> None:
    budget = Condition(type="WithinBudget", status=ConditionStatus.FALSE, reason="OverBudget")

    notes = transitions(CHAT, (), (budget, ready("False", "OverBudget")))

    assert [(note.reason, note.warning) for note in notes] == [("OverBudget", True)]


async def test_the_same_note_is_posted_once() -> None:
    posted: list[Document] = []
    arrived = asyncio.Event()

    async def post(document: Document) -> None:
        posted.append(document)
        arrived.set()

    recorder = Recorder(post, instance="me", now=lambda: NOW)
    task = asyncio.create_task(recorder.run())
    for _ in range(3):
        recorder.tell(NOTE)
    async with asyncio.timeout(5):
        await arrived.wait()
    await asyncio.sleep(0)
    task.cancel()

    assert [document["reason"] for document in posted] == ["OverBudget"]


async def test_an_api_server_that_refuses_events_harms_nobody() -> None:
    attempts: list[str] = []
    second = asyncio.Event()

    async def post(document: Document) -> None:
        attempts.append(document["note"])
        if len(attempts) == 2:
            second.set()
        raise ConnectionError("refused")

    recorder = Recorder(post, instance="me", now=lambda: NOW)
    task = asyncio.create_task(recorder.run())
    recorder.tell(NOTE)
    recorder.tell(Note(regarding=CHAT, warning=False, reason="Serving", action="Ready", message="n"))
    async with asyncio.timeout(5):
        await second.wait()
    task.cancel()

    assert attempts == ["m", "n"]


def test_an_event_regards_the_deployment_and_keeps_within_the_length_of_a_note() -> None:
    long = Note(regarding=CHAT, warning=False, reason="Serving", action="Ready", message="x" * 5000)

    document = event(long, instance="me", now=NOW)

    assert document["regarding"]["uid"] == "u"
    assert len(document["note"]) <= 1024
    assert document["eventTime"] == "2026-11-01T00:00:00.000000Z"
