"""A stand-in for vLLM: every ready pod of the simulated cluster answers HTTP at its own address and port.

In: pods of a cluster, followed by a watch. Out: real sockets that speak vLLM's HTTP interface, and a handle per pod to
set what it reports and how it misbehaves. Must not import the product: it stands for the other side of the wire.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web

from tests.controlplane.cluster import Cluster
from tests.controlplane.engine_http import engine_application
from tests.controlplane.engine_state import EngineState, engine_of_pod
from tests.controlplane.objects import Manifest, credentials
from tests.controlplane.waiting import eventually

_UNLIMITED = aiohttp.ClientTimeout(total=None, sock_read=None)


@dataclass(slots=True)
class StubEngines:
    """The engines of one cluster. Start it once; it follows pods as they come and go."""

    cluster: Cluster
    _states: dict[tuple[str, str], EngineState] = field(default_factory=dict)
    _runners: dict[tuple[str, str], web.AppRunner] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _task: asyncio.Task[None] | None = None
    _problem: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="stub-engines", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        if self._thread is not None:
            self._thread.join()

    def of_pod(self, namespace: str, pod: str, timeout: float = 20.0) -> EngineState:
        """Return the engine of a pod once it answers; waits at most `timeout` seconds for the pod to become ready."""

        def answering() -> EngineState | None:
            if self._problem is not None:
                raise RuntimeError("the stub engines stopped") from self._problem
            return self._states.get((namespace, pod))

        return eventually(answering, timeout, interval=0.02, describe=f"engine of pod {namespace}/{pod}")

    def of_deployment(self, namespace: str, deployment: str) -> list[EngineState]:
        """Return the engines of every ready pod that carries the label `inferfleet.dev/deployment`."""
        pods = self.cluster.objects.list("v1", "Pod", namespace, labels={"inferfleet.dev/deployment": deployment})
        return [self.of_pod(namespace, pod["metadata"]["name"]) for pod in pods if is_ready(pod)]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._follow())
        with contextlib.suppress(asyncio.CancelledError):
            try:
                self._loop.run_until_complete(self._task)
            except (aiohttp.ClientError, OSError, KeyError) as error:
                self._problem = error
        self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _follow(self) -> None:
        while True:
            try:
                async for pod, deleted in _pods(self.cluster):
                    if is_ready(pod) and not deleted:
                        await self._open(pod)
                    else:
                        await self._shut(_key(pod))
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.2)

    async def _open(self, pod: Manifest) -> None:
        key = _key(pod)
        state = engine_of_pod(pod)
        if key in self._runners or state is None:
            return
        runner = web.AppRunner(engine_application(state), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, state.address, state.port, reuse_address=True).start()
        self._runners[key] = runner
        self._states[key] = state

    async def _shut(self, key: tuple[str, str]) -> None:
        self._states.pop(key, None)
        runner = self._runners.pop(key, None)
        if runner is not None:
            await runner.cleanup()

    async def _close(self) -> None:
        for key in list(self._runners):
            await self._shut(key)


def is_ready(pod: Manifest) -> bool:
    """Return whether a pod's Ready condition is True and it is not being deleted."""
    conditions = pod.get("status", {}).get("conditions") or ()
    ready = any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def _key(pod: Manifest) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


async def _pods(cluster: Cluster) -> AsyncIterator[tuple[Manifest, bool]]:
    """Yield every pod and then every change of one, with whether it is gone; ends when the watch ends."""
    settings = credentials(cluster.kubeconfig)
    trust = ssl.create_default_context(cafile=settings.ssl_ca_cert)
    if settings.cert_file:
        trust.load_cert_chain(settings.cert_file, settings.key_file)
    bearer = settings.auth_settings().get("BearerToken")
    headers = {str(bearer["key"]): str(bearer["value"])} if bearer else {}
    connector = aiohttp.TCPConnector(ssl=trust)
    async with aiohttp.ClientSession(settings.host, connector=connector, headers=headers, timeout=_UNLIMITED) as api:
        # An initial list as part of the watch: nothing can be missed between the two.
        query = {"watch": "1", "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        async with api.get("/api/v1/pods", params={**query, "allowWatchBookmarks": "true"}) as stream:
            stream.raise_for_status()
            async for event in _lines(stream):
                if event["type"] in {"ADDED", "MODIFIED", "DELETED"}:
                    yield event["object"], event["type"] == "DELETED"


async def _lines(stream: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    rest = b""
    async for chunk in stream.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield orjson.loads(line)
