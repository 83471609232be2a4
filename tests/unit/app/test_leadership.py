"""A new leader reads what the former one promised before it decides: its watches may be behind."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from inferfleet.app.leadership import LeadershipTerm
from inferfleet.apply.errors import ApiError, Unreachable
from inferfleet.domain.keys import Key, Kind
from inferfleet.domain.resources import BUDGET_POLICY, INFERENCE_DEPLOYMENT, Resource
from inferfleet.observe.store import Store
from inferfleet.observe.table import AnyTable

Document = dict[str, Any]
PROMISED = {"metadata": {"name": "chat", "namespace": "team-a", "uid": "u", "resourceVersion": "7"}, "spec": {}}
CHAT = Key(Kind.INFERENCE_DEPLOYMENT, "team-a", "chat")


class Server:
    """Answers lists; fails as often as it is told to first."""

    def __init__(self, *failures: ApiError) -> None:
        self.failures, self.listed = list(failures), list[str]()

    async def list_pages(self, resource: Resource, namespace: str | None, *, selector: str) -> AsyncIterator[Document]:
        del namespace, selector
        if self.failures:
            raise self.failures.pop(0)
        self.listed.append(resource.plural)
        items = [PROMISED] if resource is INFERENCE_DEPLOYMENT else []
        yield {"metadata": {"resourceVersion": "9"}, "items": items}

    def watch(self, *_: object, **__: object) -> AsyncIterator[Document]:
        raise NotImplementedError


def prepared(server: Server, *, terms: int) -> Store:
    store = Store()
    tables: dict[Resource, AnyTable] = {BUDGET_POLICY: store.policies, INFERENCE_DEPLOYMENT: store.deployments}

    async def live() -> None:
        part = LeadershipTerm(server, tables, retry_seconds=0)
        for _ in range(terms):
            part.begin()
            await part.prepare()
            await part.prepare()

    asyncio.run(live())
    return store


def test_what_was_promised_is_known_before_the_first_decision() -> None:
    assert prepared(Server(), terms=1).deployments.get(CHAT) is not None


def test_it_is_read_once_per_leadership_term() -> None:
    server = Server()
    prepared(server, terms=2)
    assert server.listed == ["budgetpolicies", "inferencedeployments"] * 2


def test_a_server_that_is_away_is_waited_for() -> None:
    store = prepared(Server(Unreachable("refused"), Unreachable("refused")), terms=1)
    assert store.deployments.get(CHAT) is not None
