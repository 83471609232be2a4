"""`/livez`, `/readyz` and `/metrics` over HTTP, and the probe that notices a blocked event loop.

In: named checks, each a function that returns a problem or None, and a function that renders the metrics. Out: answers
with 200 or 503 and one line per check. Must not know what is checked.
"""

import asyncio
from collections.abc import Callable, Mapping

from aiohttp import web

Check = Callable[[], str | None]

# The text format of Prometheus (prometheus.io/docs/instrumenting/exposition_formats).
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class LoopLag:
    """How late the event loop runs its timers, in seconds: the worst of the last few measurements."""

    def __init__(self, *, interval: float = 1.0, on_lag: Callable[[float], None] | None = None) -> None:
        """Measure every `interval` seconds; `on_lag` is told each measurement."""
        self._interval = interval
        self._on_lag = on_lag
        self._recent: list[float] = []

    async def run(self) -> None:
        """Measure for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._interval
            await asyncio.sleep(self._interval)
            lag = max(0.0, loop.time() - due)
            self._recent = [*self._recent[-4:], lag]
            if self._on_lag is not None:
                self._on_lag(lag)

    def check(self, longest: float) -> str | None:
        """Return a problem when the loop was blocked for more than `longest` seconds in each recent measurement.

        One long pause is an accident (a large list, a busy machine) and no reason to be killed; five in a row are.
        """
        if len(self._recent) == 5 and min(self._recent) > longest:
            return f"the event loop runs {min(self._recent):.1f} s late"
        return None


class HealthServer:
    """The HTTP server of the process."""

    def __init__(
        self, *, port: int, live: Mapping[str, Check], ready: Mapping[str, Check], metrics: Callable[[], bytes]
    ) -> None:
        """Port 0 takes a free one, for tests."""
        self._port = port
        self._live = live
        self._ready = ready
        self._metrics = metrics
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port that is listened on (port 0 means a different one per address family: the IPv4 one)."""
        assert self._runner is not None
        return next(int(address[1]) for address in self._runner.addresses if len(address) == 2)

    async def start(self) -> None:
        """Listen on all addresses. Raises OSError when the port is taken."""
        application = web.Application()
        application.router.add_get("/livez", self._answer_livez)
        application.router.add_get("/readyz", self._answer_readyz)
        application.router.add_get("/metrics", self._answer_metrics)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, port=self._port).start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer_livez(self, _: web.Request) -> web.Response:
        return _report(self._live)

    async def _answer_readyz(self, _: web.Request) -> web.Response:
        return _report(self._ready)

    async def _answer_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"content-type": _METRICS_TYPE})


def _report(checks: Mapping[str, Check]) -> web.Response:
    results = {name: check() for name, check in checks.items()}
    lines = [f"[{'-' if problem else '+'}] {name}: {problem or 'ok'}" for name, problem in results.items()]
    failed = any(problem is not None for problem in results.values())
    return web.Response(text="\n".join([*lines, ""]), status=503 if failed else 200)
