"""Builds every part, starts them in order, keeps them running, stops them in order.

In: settings. Out: an exit code. Everything of ours is started before Kopf, because Kopf cancels every task that was
born after it when it ends. Standbys run all of it too, with warm caches; only the writers ask whether this process
leads.
"""

import asyncio
import logging
import random
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import kopf
import kubernetes
import pydantic
import uvloop

from inferfleet.api.v1alpha1 import GROUP
from inferfleet.app.assembly import Assembly
from inferfleet.apply.credentials import Credentials, load_credentials
from inferfleet.apply.errors import ApiError, Forbidden, NotFound, Unreachable
from inferfleet.catalog.gpus import gpus
from inferfleet.catalog.models import models
from inferfleet.domain.resources import OURS
from inferfleet.observe.handlers import register
from inferfleet.observe.handlers import settings as kopf_settings
from inferfleet.observe.listing import list_into
from inferfleet.runtime.logs import configure_logs
from inferfleet.settings import Settings

_log = logging.getLogger(__name__)

_DRAIN_SECONDS = 10.0
_RESYNC_SECONDS = 600.0
_FIRST_LIST_PAUSE = 2.0
EXIT_OK, EXIT_FAILED, EXIT_NO_CLUSTER = 0, 1, 3


class StartError(Exception):
    """The operator cannot start, and a person has to act; the message says how."""


def main() -> None:
    """Run the operator with settings from the environment, and exit with its code."""
    try:
        settings = Settings()
    except pydantic.ValidationError as error:
        for detail in error.errors(include_url=False):
            name = "_".join(str(part) for part in detail["loc"]).upper()
            print(f"INFERFLEET_{name}={detail['input']!r}: {detail['msg']}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    sys.exit(run(settings))


def run(settings: Settings) -> int:
    """Run the operator until SIGTERM or a failure. Returns the exit code."""
    configure_logs(settings.log_format)
    try:
        credentials = load_credentials(settings.kubeconfig)
    except (FileNotFoundError, kubernetes.config.ConfigException) as error:
        _log.error("%s", error)
        return EXIT_NO_CLUSTER
    gpus(), models()  # read before the event loop starts, which they would hold up for a second
    if not settings.identity:
        name = f"{socket.gethostname()}-{random.randrange(16**6):06x}"  # noqa: S311 - tells processes apart
        settings = settings.model_copy(update={"identity": name})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(_operate(settings, credentials))
        except StartError as error:
            _log.error("%s", error)
            return EXIT_FAILED


async def _operate(settings: Settings, credentials: Credentials) -> int:
    """Live one life: build, list, watch, lead, stop."""
    parts = Assembly.build(settings, credentials)
    stop = asyncio.Event()
    background: list[asyncio.Task[None]] = []

    def start(work: Coroutine[Any, Any, None], name: str, *, ends_process: bool = True) -> None:
        task = asyncio.create_task(work, name=name)
        background.append(task)
        if ends_process:
            task.add_done_callback(lambda done: _ended(done, stop))

    try:
        await parts.health.start()
        start(parts.lag.run(), "loop lag")
        for reflector in parts.reflectors:
            start(reflector.run(), reflector.name)
        await _list_ours(parts, settings)
        start(_lead(parts), "leader")
        start(parts.recorder.run(), "events")
        start(parts.platform.run(), "platform statuses")
        start(parts.planner.run(), "planner")
        start(parts.calibrator.run(), "calibration")
        start(_resync(parts, settings), "resync")
        failed = await _kopf(parts, settings, credentials, stop)
        return EXIT_FAILED if failed or stop.is_set() else EXIT_OK
    finally:
        await _shut_down(parts, background)


async def _list_ours(parts: Assembly, settings: Settings) -> None:
    """List our own kinds once, waiting for an API server that is away. Raises StartError when kinds are missing."""
    for resource in OURS:
        table = parts.tables[resource]
        while not table.synced:
            try:
                await list_into(parts.client, resource, table, namespaces=settings.watch_namespaces)
            except NotFound as error:
                raise StartError(
                    f"the cluster does not know {resource.plural}.{GROUP}: install the CustomResourceDefinitions "
                    "(`inferfleet crds | kubectl apply --server-side -f -`)"
                ) from error
            except Forbidden as error:
                raise StartError(f"the operator's role is incomplete: {error.message}") from error
            except Unreachable as error:
                _log.warning("the API server cannot be reached: %s", error)
                await asyncio.sleep(_FIRST_LIST_PAUSE)
            except ApiError as error:
                _log.warning("%s could not be listed: %s", resource.plural, error)
                await asyncio.sleep(_FIRST_LIST_PAUSE)


async def _lead(parts: Assembly) -> None:
    """Take part in the election once the caches are warm."""
    await asyncio.gather(*(reflector.synced.wait() for reflector in parts.reflectors))
    parts.synced.set()
    await parts.leader.run()


async def _resync(parts: Assembly, settings: Settings) -> None:
    """Every ten minutes, give or take one: find objects whose deletion Kopf missed, and look at everything once."""
    while True:
        await asyncio.sleep(_RESYNC_SECONDS * random.uniform(0.9, 1.1))  # noqa: S311 - spreads the load
        for resource in OURS:
            try:
                await list_into(parts.client, resource, parts.tables[resource], namespaces=settings.watch_namespaces)
            except ApiError as error:
                _log.warning("%s could not be listed: %s", resource.plural, error)
        parts.enqueuer.wake_everybody()


async def _kopf(parts: Assembly, settings: Settings, credentials: Credentials, stop: asyncio.Event) -> bool:
    """Run Kopf until a signal or `stop`. Returns whether it failed."""
    registry = kopf.OperatorRegistry()
    register(registry, parts.tables)
    kopf.on.login(registry=registry)(_login(credentials))
    try:
        await kopf.operator(
            registry=registry,
            settings=kopf_settings(),
            standalone=True,
            clusterwide=not settings.watch_namespaces,
            namespaces=settings.watch_namespaces,
            stop_flag=stop,
        )
    except Exception:  # noqa: BLE001 - whatever ended the watches, the process has to drain and start anew
        _log.exception("the watches of our own kinds ended")
        return True
    return False


def _login(credentials: Credentials) -> Callable[..., kopf.ConnectionInfo]:
    """Give Kopf the very credentials that the client has."""

    async def login(**_: object) -> kopf.ConnectionInfo:
        credentials.forget_token()
        token = credentials.token()
        return kopf.ConnectionInfo(
            server=credentials.server,
            ca_path=credentials.ca_file,
            insecure=not credentials.verify,
            certificate_path=credentials.certificate_file,
            private_key_path=credentials.key_file,
            scheme="Bearer" if token else None,
            token=token,
        )

    return login  # type: ignore[return-value]  # Kopf accepts coroutine functions


async def _shut_down(parts: Assembly, background: list[asyncio.Task[None]]) -> None:
    """Take no more work, finish what is under way, give the Lease back, close."""
    parts.queue.close()
    if not await parts.workers.drain(_DRAIN_SECONDS):
        _log.warning("not everything under way could be finished")
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)
    await parts.calibrator.save()
    await parts.calibrator.close()
    await parts.leader.release()
    await parts.health.stop()
    await parts.client.close()


def _ended(task: asyncio.Task[None], stop: asyncio.Event) -> None:
    """Stop everything when a part that should run for ever ended."""
    if task.cancelled():
        return
    if task.exception() is not None:
        _log.error("%s failed", task.get_name(), exc_info=task.exception())
    stop.set()
