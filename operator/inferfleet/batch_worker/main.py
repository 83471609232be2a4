"""The worker from start to end: fetch, check, wait for the engine, drive it, keep the results, say how it went.

In: `Arguments`. Out: an exit code of `domain/exit_codes.py`, and the termination message. This is the only file that
knows all the others; no line of a batch is looked at here.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

import aiohttp
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from inferfleet.batch_worker.arguments import Arguments
from inferfleet.batch_worker.drive import Outcome, drive
from inferfleet.batch_worker.engine import TIMEOUT, Engine, Pause
from inferfleet.batch_worker.errors import BadInputError, OutsideError
from inferfleet.batch_worker.lines import BadLine, read_lines
from inferfleet.batch_worker.places import deliver, fetch, input_place, local_output, output_place
from inferfleet.batch_worker.progress import Progress, write_progress, write_termination_message
from inferfleet.batch_worker.results import Answer, Results, Resumed, resume, verify_complete
from inferfleet.domain.exit_codes import BAD_INPUT, DONE, INTERRUPTED, TRY_AGAIN

log = logging.getLogger("inferfleet.batch_worker")

REPORT_SECONDS = 5.0
T = TypeVar("T")


class _StoppedError(Exception):
    """SIGTERM came before there was anything in flight."""


def run(arguments: Arguments) -> int:
    """Do the whole batch and return the exit code of the process."""
    return asyncio.run(Worker(arguments=arguments).work())


@dataclass(slots=True, kw_only=True)
class Worker:
    """One run over one batch. `pause` waits a number of seconds and is replaced in tests."""

    arguments: Arguments
    pause: Pause = asyncio.sleep
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    progress: Progress = field(default_factory=Progress)

    async def work(self) -> int:
        """Run until the end or SIGTERM; every way out leaves a termination message."""
        with contextlib.suppress(NotImplementedError, ValueError):  # signals belong to a process's main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.stop.set)
        code, outcome, message = await self._outcome()
        log.info("batch %s: %s %s", outcome, self.progress.counts(), message)
        write_termination_message(self.arguments.termination_log, self.progress.termination_message(outcome, message))
        return code

    async def _outcome(self) -> tuple[int, str, str]:
        try:
            finished = await self._batch()
        except BadInputError as error:
            return BAD_INPUT, "BadInput", str(error)
        except OutsideError as error:
            return TRY_AGAIN, "TryAgain", str(error)
        except OSError as error:
            return TRY_AGAIN, "TryAgain", f"{error.strerror}: {error.filename}"
        except _StoppedError:
            finished = False
        return (DONE, "Done", "") if finished else (INTERRUPTED, "Interrupted", "told to stop; finished lines are kept")

    async def _batch(self) -> bool:
        arguments = self.arguments
        source, target = input_place(arguments), output_place(arguments)
        timeless = aiohttp.TCPConnector(limit=0)  # the number of requests in flight is bounded by `concurrency`
        async with aiohttp.ClientSession(connector=timeless, timeout=TIMEOUT) as session, self._metrics():
            path = await self._unless_stopped(fetch(source, arguments.work_directory, session, self.pause))
            await self._unless_stopped(asyncio.to_thread(self._look_through, path))
            output = local_output(target, arguments.work_directory)
            if not await self._results(path, output, session):
                return False
            await deliver(target, output, session, self.pause)
            return True

    def _look_through(self, path: Path) -> None:
        """Count the lines; refuse an input of which no line can work, before any of it costs GPU time."""
        if not path.is_file():
            raise BadInputError(f"--input: there is no file {path}")
        total = bad = 0
        reason = ""
        for line in read_lines(path, self.arguments.model):
            total += 1
            if isinstance(line, BadLine):
                bad += 1
                reason = reason or f"line {line.number}: {line.reason}"
        if total == bad:
            raise BadInputError(f"no line of the input can be done; {reason}" if total else "the input has no lines")
        self.progress.total = total

    async def _results(self, path: Path, output: Path, session: aiohttp.ClientSession) -> bool:
        """Make the results complete; False when told to stop before."""
        found, complete = await asyncio.to_thread(self._earlier, path, output)
        self.progress.quarantined = found.quarantined
        self.progress.done = found.lines - found.quarantined
        if complete:
            return True
        engine = self._engine(session)
        await self._unless_stopped(engine.wait_until_ready())
        with Results(output) as results:
            async with self._reports(output, results):
                lines = islice(read_lines(path, self.arguments.model), found.lines, None)
                finished = await drive(
                    lines,
                    engine,
                    lambda outcome: self._keep(results, outcome),
                    concurrency=self.arguments.concurrency,
                    stop=self.stop,
                    drain_seconds=self.arguments.drain_seconds,
                )
            if finished:
                results.finish()
        return finished

    def _earlier(self, path: Path, output: Path) -> tuple[Resumed, bool]:
        """Find what earlier runs left, and whether it is everything."""
        lines = read_lines(path, self.arguments.model)
        if output.exists():
            return verify_complete(output, lines, self.progress.total or 0), True
        return resume(output, lines), False

    def _keep(self, results: Results, outcome: Outcome) -> None:
        results.write(outcome)
        if isinstance(outcome, Answer):
            self.progress.done += 1
        else:
            self.progress.quarantined += 1
            log.warning("line %d quarantined: %s", outcome.number, outcome.code)

    def _engine(self, session: aiohttp.ClientSession) -> Engine:
        name = self.arguments.api_key_env
        return Engine(
            session=session,
            url=self.arguments.engine_url.rstrip("/"),
            api_key=None if name is None else self.arguments.environment.get(name),
            wait_seconds=self.arguments.engine_wait_seconds,
            pause=self.pause,
        )

    @contextlib.asynccontextmanager
    async def _reports(self, output: Path, results: Results) -> AsyncIterator[None]:
        """Keep the progress file and the disk current every few seconds, and at the end."""
        path = output.with_name(f"{output.name.removesuffix('.jsonl')}.progress.json")

        def report() -> None:
            results.sync()
            write_progress(path, self.progress)

        ended = asyncio.Event()

        async def repeat() -> None:
            while not ended.is_set():
                await asyncio.to_thread(report)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), REPORT_SECONDS)

        repeating = asyncio.create_task(repeat())
        try:
            yield
        finally:
            ended.set()
            await repeating
            await asyncio.to_thread(report)

    @contextlib.asynccontextmanager
    async def _metrics(self) -> AsyncIterator[None]:
        """Serve the counts on `/metrics` while the batch runs."""
        if not self.arguments.metrics_port:
            yield
            return
        registry = self.progress.registry()

        async def answer(_request: web.Request) -> web.Response:
            return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

        application = web.Application()
        application.router.add_get("/metrics", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, port=self.arguments.metrics_port).start()
        try:
            yield
        finally:
            await runner.cleanup()

    async def _unless_stopped(self, work: Coroutine[object, object, T]) -> T:
        """Await something that may take long, but end at once when told to stop."""
        task, stopped = asyncio.create_task(work), asyncio.create_task(self.stop.wait())
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise _StoppedError
