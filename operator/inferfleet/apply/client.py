"""A thin client of the Kubernetes API: plain dictionaries over one aiohttp session.

In: resources, names, documents. Out: the server's documents, or an ApiError of the right class. The official client
costs about 1 ms of CPU per request in model classes; this costs about 0.15 ms. No retries beyond one for a token that
was replaced: whoever asked decides what a failure means. Must not interpret objects.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import aiohttp
import orjson

from inferfleet.apply.credentials import Credentials
from inferfleet.apply.errors import Expired, TooManyRequests, Unauthorized, Unreachable, api_error
from inferfleet.domain.resources import POD, Document, Resource

_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_JSON_PATCH = "application/json-patch+json"
# Objects per page of a list: a parsed page of pods or statuses takes some 100 KB per object while it is read.
_PAGE = 100
_CONNECTIONS = 32
_REQUEST_SECONDS = 30.0
# A write that was allowed while we led must be over before the Lease can be somebody else's: that is at least 5 s later
# (`runtime.leader.LeaseTimes`).
_WRITE_SECONDS = 5.0
_READS = ("get", "list")
# A server may ask for more; the Lease must be renewed meanwhile.
_LONGEST_PATIENCE_SECONDS = 3.0
# The server sends a bookmark about every 60 s on a quiet watch; silence longer than this means a broken connection.
_WATCH_SILENCE_SECONDS = 75.0


class Client:
    """One connection pool to one API server. `on_request(verb, plural, code, seconds)` is told every request."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        on_request: Callable[[str, str, int, float], None] | None = None,
        connections: int = _CONNECTIONS,
    ) -> None:
        """Open nothing yet; must be called inside the event loop that uses it."""
        self._credentials = credentials
        self._on_request = on_request
        self._quiet_until = float("-inf")
        tls = credentials.ssl_context()
        self._session = aiohttp.ClientSession(
            base_url=credentials.server,
            connector=aiohttp.TCPConnector(limit=connections, ssl=tls if tls is not None else False),
            timeout=aiohttp.ClientTimeout(total=_REQUEST_SECONDS, sock_connect=10.0),
            headers={"user-agent": "inferfleet", "accept": _JSON},
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Document:
        """Read one object. Raises NotFound."""
        return await self._request("get", resource, resource.path(namespace, name))

    async def read_log(
        self, namespace: str, pod: str, container: str, *, previous: bool = False, most_bytes: int, last_lines: int = 0
    ) -> str:
        """Read a container's log from its beginning, or its last lines; `previous`: of the run before.

        Raises NotFound for a pod, and Invalid for a run, that is gone.
        """
        query = {"container": container, "limitBytes": str(most_bytes)}
        query |= {"previous": "true"} if previous else {}
        query |= {"tailLines": str(last_lines)} if last_lines else {}
        request = _Request("get", POD, POD.path(namespace, pod, "log"), query, None, _JSON)
        return (await self._send(request)).decode(errors="replace")

    async def list_pages(
        self, resource: Resource, namespace: str | None = None, *, selector: str = ""
    ) -> AsyncIterator[Document]:
        """Read a collection page by page; each page is a List document. Raises Expired when paging took too long."""
        query = {"limit": str(_PAGE)} | ({"labelSelector": selector} if selector else {})
        while True:
            page = await self._request("list", resource, resource.path(namespace), query=query)
            yield page
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token

    async def watch(
        self, resource: Resource, namespace: str | None = None, *, version: str, selector: str = "", seconds: int
    ) -> AsyncIterator[Document]:
        """Yield watch events after `version` for at most `seconds`. Raises Expired when the version is too old."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        } | ({"labelSelector": selector} if selector else {})
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=_WATCH_SILENCE_SECONDS)
        started = time.perf_counter()
        try:
            async with self._session.get(
                resource.path(namespace), params=query, headers=self._authorization(), timeout=timeout
            ) as answer:
                self._count("watch", resource, answer.status, started)
                if answer.status >= 400:
                    raise _refusal(answer, await answer.read())
                async for line in _lines(answer.content):
                    event = cast("Document", orjson.loads(line))
                    if event["type"] == "ERROR":
                        raise _watch_error(event["object"])
                    yield event
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"watch of {resource.plural}: {error or type(error).__name__}") from error

    async def create(self, resource: Resource, document: Document, *, manager: str) -> Document:
        """Create an object. Raises Conflict when one of its name exists, whoever made it."""
        path = resource.path(document["metadata"].get("namespace"))
        return await self._request("create", resource, path, query={"fieldManager": manager}, body=document)

    async def apply(
        self, resource: Resource, document: Document, *, manager: str, subresource: str | None = None
    ) -> Document:
        """Server-side apply, taking over conflicting fields; a `metadata.uid` guards against a namesake."""
        metadata = document["metadata"]
        path = resource.path(metadata.get("namespace"), metadata["name"], subresource)
        query = {"fieldManager": manager, "force": "true"}
        return await self._request("apply", resource, path, query=query, body=document, content_type=_APPLY)

    async def patch(
        self, resource: Resource, namespace: str | None, name: str, operations: Sequence[Document]
    ) -> Document:
        """Apply a JSON patch. Raises Invalid or Conflict when one of its tests fails."""
        path = resource.path(namespace, name)
        return await self._request("patch", resource, path, body=operations, content_type=_JSON_PATCH)

    async def replace(self, resource: Resource, document: Document) -> Document:
        """Replace an object whose resourceVersion is still the stored one. Raises Conflict when it is not."""
        metadata = document["metadata"]
        path = resource.path(metadata.get("namespace"), metadata["name"])
        return await self._request("update", resource, path, body=document)

    async def delete(self, resource: Resource, namespace: str | None, name: str, *, uid: str) -> None:
        """Delete this very object in the background. Raises NotFound, or Conflict when a namesake has another UID."""
        body = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        await self._request("delete", resource, resource.path(namespace, name), body=body)

    async def _request(
        self,
        verb: str,
        resource: Resource,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = _JSON,
    ) -> Document:
        data = orjson.dumps(body) if body is not None else None
        request = _Request(verb, resource, path, query, data, content_type)
        return cast("Document", orjson.loads(await self._send(request)))

    async def _send(self, request: "_Request") -> bytes:
        try:
            async with asyncio.timeout(None if request.verb in _READS else _WRITE_SECONDS):
                return await self._authorized(request)
        except TimeoutError as error:
            raise Unreachable(f"{request.verb} {request.path}: no answer within {_WRITE_SECONDS:.0f} s") from error

    async def _authorized(self, request: "_Request") -> bytes:
        try:
            return await self._once(request)
        except Unauthorized:
            self._credentials.forget_token()
            return await self._once(request)

    async def _once(self, request: "_Request") -> bytes:
        await self._patience()
        headers = self._authorization() | ({"content-type": request.content_type} if request.data is not None else {})
        started = time.perf_counter()
        try:
            async with self._session.request(
                _METHODS[request.verb], request.path, params=request.query, data=request.data, headers=headers
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            self._count(request.verb, request.resource, 0, started)
            raise Unreachable(f"{request.verb} {request.path}: {error or type(error).__name__}") from error
        self._count(request.verb, request.resource, answer.status, started)
        if answer.status >= 400:
            refusal = _refusal(answer, content)
            if isinstance(refusal, TooManyRequests):
                self._quiet_until = time.monotonic() + min(refusal.retry_after or 1.0, _LONGEST_PATIENCE_SECONDS)
            raise refusal
        return content

    async def _patience(self) -> None:
        """Wait while the server has asked for patience: it means the whole client, not one object."""
        wait = self._quiet_until - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait * random.uniform(1.0, 1.5))  # noqa: S311 - not all at once

    def _authorization(self) -> dict[str, str]:
        token = self._credentials.token()
        return {"authorization": f"Bearer {token}"} if token else {}

    def _count(self, verb: str, resource: Resource, code: int, started: float) -> None:
        if self._on_request is not None:
            self._on_request(verb, resource.plural, code, time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class _Request:
    verb: str
    resource: Resource
    path: str
    query: Mapping[str, str] | None
    data: bytes | None
    content_type: str


_METHODS = {
    "get": "GET",
    "list": "GET",
    "create": "POST",
    "apply": "PATCH",
    "patch": "PATCH",
    "update": "PUT",
    "delete": "DELETE",
}


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Split a stream into lines of any length (`readline` refuses those that exceed its buffer)."""
    rest = b""
    async for chunk in stream.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                yield line


def _watch_error(status: Document) -> OSError:
    """Return the exception for an ERROR event, which carries a Status document."""
    code, reason, message = status.get("code") or 500, status.get("reason") or "", status.get("message") or ""
    if code == 410 or reason in ("Expired", "Gone"):
        return Expired(message, code=410, reason=reason)
    return api_error(code, reason=reason, message=message)


def _refusal(answer: aiohttp.ClientResponse, content: bytes) -> OSError:
    """Return the exception for an HTTP answer from 400 on."""
    try:
        status = json.loads(content)
    except ValueError:
        status = {}
    if not isinstance(status, dict):
        status = {}
    retry_after = answer.headers.get("retry-after", "")
    return api_error(
        answer.status,
        reason=status.get("reason") or answer.reason or "",
        message=status.get("message") or content[:500].decode(errors="replace"),
        retry_after=float(retry_after) if retry_after.isdigit() else None,
    )
