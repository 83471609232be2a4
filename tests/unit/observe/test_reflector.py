"""The reflector: list, watch, and list again without missing a deletion."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from inferfleet.apply.errors import Expired, Unreachable
from inferfleet.domain.keys import NamespacedName
from inferfleet.domain.resources import POD
from inferfleet.observe.reflector import Reflector
from inferfleet.observe.table import Table

Document = dict[str, Any]


def pod(name: str, version: int) -> Document:
    return {"metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": str(version)}}


class Script:
    """An API server that plays a list of answers: a list of objects, or events, or a failure."""

    def __init__(self, *answers: list[Document] | Exception) -> None:
        self.answers = list(answers)
        self.watched_from: list[str] = []
        self.over = asyncio.Event()

    async def list_pages(self, *_: object, selector: str) -> AsyncIterator[Document]:
        del selector
        answer = await self._next()
        yield {"metadata": {"resourceVersion": "100"}, "items": answer}

    async def watch(self, *_: object, version: str, selector: str, seconds: int) -> AsyncIterator[Document]:
        del selector, seconds
        self.watched_from.append(version)
        for event in await self._next():
            yield event

    async def _next(self) -> list[Document]:
        if not self.answers:
            self.over.set()
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def play(script: Script) -> Table[NamespacedName, str]:
    table: Table[NamespacedName, str] = Table(lambda document: document["metadata"]["name"], NamespacedName)
    reflector = Reflector(script, POD, table)
    task = asyncio.create_task(reflector.run())
    async with asyncio.timeout(20):
        await script.over.wait()
    task.cancel()
    return table


def names(table: Table[NamespacedName, str]) -> set[str]:
    return set(table.values())


async def test_a_list_and_then_events_make_the_table() -> None:
    table = await play(
        Script(
            [pod("a", 1), pod("b", 2)],
            [{"type": "ADDED", "object": pod("c", 101)}, {"type": "DELETED", "object": pod("a", 102)}],
        )
    )

    assert names(table) == {"b", "c"}


async def test_a_deletion_missed_while_the_version_expired_is_found_in_the_next_list() -> None:
    table = await play(Script([pod("a", 1), pod("b", 2)], Expired("too old", code=410), [pod("b", 2)]))

    assert names(table) == {"b"}


async def test_a_watch_that_broke_goes_on_where_it_was() -> None:
    script = Script(
        [pod("a", 1)],
        [{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "150"}}}],
        Unreachable("reset"),
        [],
    )

    await play(script)

    assert script.watched_from == ["100", "150", "150", "150"]


async def test_a_server_that_is_away_at_first_is_waited_for() -> None:
    table = await play(Script(Unreachable("refused"), Unreachable("refused"), [pod("a", 1)]))

    assert names(table) == {"a"}
