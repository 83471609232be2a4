"""The API client against a small HTTP server: errors by code, tokens, watches."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from inferfleet.apply import client as client_module
from inferfleet.apply import errors
from inferfleet.apply.client import Client
from inferfleet.apply.credentials import Credentials
from inferfleet.apply.status import apply_status
from inferfleet.domain.resources import INFERENCE_DEPLOYMENT, NODE, POD

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[..., Awaitable[Client]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []
    clients: list[Client] = []

    async def start(handler: Handler, *, tokens: list[str] | None = None) -> Client:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        port = runner.addresses[0][1]
        left = iter(tokens or ["token"])
        client = Client(Credentials(server=f"http://127.0.0.1:{port}", read_token=lambda: next(left, "last")))
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()
    for runner in runners:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (410, errors.Expired),
        (422, errors.Invalid),
        (500, errors.ServerError),
        (503, errors.ServerError),
    ],
)
async def test_each_refusal_has_its_class_and_the_servers_words(
    serve: Serve, code: int, kind: type[errors.ApiError]
) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"reason": "Because", "message": "the server's words"}, status=code)

    client = await serve(refuse)

    with pytest.raises(kind, match="the server's words") as caught:
        await client.get(NODE, None, "a")
    assert isinstance(caught.value, OSError)


async def test_a_server_that_asks_for_patience_says_how_much(serve: Serve) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({}, status=429, headers={"retry-after": "7"})

    client = await serve(refuse)

    with pytest.raises(errors.TooManyRequests) as caught:
        await client.get(NODE, None, "a")
    assert caught.value.retry_after == 7


async def test_after_a_call_for_patience_every_request_waits(serve: Serve) -> None:
    times: list[float] = []

    async def answer(_: web.Request) -> web.Response:
        times.append(time.monotonic())
        return web.json_response({}, status=429 if len(times) == 1 else 200, headers={"retry-after": "1"})

    client = await serve(answer)
    with pytest.raises(errors.TooManyRequests):
        await client.get(NODE, None, "a")

    await client.get(NODE, None, "b")

    assert times[1] - times[0] >= 1


async def test_no_answer_is_an_error_of_its_own() -> None:
    client = Client(Credentials(server="http://127.0.0.1:1"))

    with pytest.raises(errors.Unreachable):
        await client.get(NODE, None, "a")
    await client.close()


async def test_a_token_that_was_replaced_is_read_again_once(serve: Serve) -> None:
    seen: list[str] = []

    async def check(request: web.Request) -> web.Response:
        seen.append(request.headers["authorization"])
        return web.json_response({}, status=200 if request.headers["authorization"] == "Bearer new" else 401)

    client = await serve(check, tokens=["old", "new"])

    assert await client.get(NODE, None, "a") == {}
    assert seen == ["Bearer old", "Bearer new"]


async def test_a_collection_is_read_page_by_page(serve: Serve) -> None:
    async def pages(request: web.Request) -> web.Response:
        more = "" if "continue" in request.query else "next"
        return web.json_response({"metadata": {"resourceVersion": "5", "continue": more}, "items": [{"more": more}]})

    client = await serve(pages)

    assert [page["items"] async for page in client.list_pages(POD)] == [[{"more": "next"}], [{"more": ""}]]


async def test_watch_events_longer_than_any_buffer_arrive_whole(serve: Serve) -> None:
    long = {"type": "ADDED", "object": {"metadata": {"resourceVersion": "1"}, "data": "x" * 300_000}}

    async def stream(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(json.dumps(long).encode() + b"\n" + json.dumps(long).encode() + b"\n")
        return answer

    client = await serve(stream)

    assert [event async for event in client.watch(POD, version="1", seconds=1)] == [long, long]


async def test_a_version_that_is_too_old_ends_a_watch_with_its_own_error(serve: Serve) -> None:
    async def stream(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b'{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}}\n')
        return answer

    client = await serve(stream)

    with pytest.raises(errors.Expired):
        [event async for event in client.watch(POD, version="1", seconds=1)]


async def test_apply_says_who_manages_the_fields_and_takes_them_over(serve: Serve) -> None:
    seen: list[web.Request] = []

    async def take(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response(await request.json())

    client = await serve(take)
    document = {"metadata": {"namespace": "team", "name": "chat", "uid": "1"}}

    await client.apply(INFERENCE_DEPLOYMENT, document, manager="me", subresource="status")

    assert seen[0].method == "PATCH"
    assert seen[0].path == "/apis/inferfleet.dev/v1alpha1/namespaces/team/inferencedeployments/chat/status"
    assert dict(seen[0].query) == {"fieldManager": "me", "force": "true"}
    assert seen[0].headers["content-type"] == "application/apply-patch+yaml"


async def test_a_write_without_an_answer_is_given_up_before_the_lease_can_be_somebody_elses(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await hanging.wait()
        return web.json_response({})

    monkeypatch.setattr(client_module, "_WRITE_SECONDS", 0.05)
    client = await serve(hang)

    with pytest.raises(errors.Unreachable):
        await client.delete(INFERENCE_DEPLOYMENT, "team", "chat", uid="u")
    hanging.set()


async def test_a_status_is_stored_only_over_the_version_that_was_seen(serve: Serve) -> None:
    bodies: list[dict[str, object]] = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(json.loads(await request.read()))
        return web.json_response({})

    client = await serve(take)
    await apply_status(client, INFERENCE_DEPLOYMENT, namespace="a", name="b", uid="u", status={}, version="7")

    assert bodies[0]["metadata"] == {"name": "b", "namespace": "a", "uid": "u", "resourceVersion": "7"}
