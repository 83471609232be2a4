"""Reads everything that decisions depend on from a live cluster, once.

In: a kubeconfig and the name of a context. Out: a filled `Store`, as the operator has one, or `ClusterUnreachable`.
Only lists are asked for; nothing is written and nothing is watched.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kubernetes

from inferfleet.api.v1alpha1 import GROUP
from inferfleet.app.calibration.book import CalibrationBook
from inferfleet.app.calibration.storage import CalibrationStorage
from inferfleet.apply.client import Client
from inferfleet.apply.credentials import Credentials, load_credentials
from inferfleet.apply.errors import ApiError, Forbidden, NotFound
from inferfleet.cli.exit import BadInput, ClusterUnreachable
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.children import DEPLOYMENT_LABEL
from inferfleet.domain.resources import (
    BUDGET_POLICY,
    CHILDREN,
    GPU_POOL,
    GPU_TYPE,
    INFERENCE_DEPLOYMENT,
    MODEL_PROFILE,
    NAMESPACE,
    NODE,
    POD,
    Resource,
)
from inferfleet.observe.listing import list_into
from inferfleet.observe.store import Store
from inferfleet.observe.table import AnyTable

DEFAULT_KUBECONFIG = Path("~/.kube/config")


def kubeconfig_path(given: Path | None) -> Path | None:
    """Return the file to use: the one given, KUBECONFIG, the usual one; None: the service account of this pod."""
    if given is not None:
        return given
    named = os.environ.get("KUBECONFIG", "")
    if os.pathsep in named:
        raise BadInput(f"KUBECONFIG: {named} names several files; say which with --kubeconfig")
    if named:
        return Path(named)
    usual = DEFAULT_KUBECONFIG.expanduser()
    return usual if usual.is_file() else None


def default_namespace(kubeconfig: Path | None, context: str | None) -> str:
    """Return the namespace of the context, as kubectl would use it. Raises `ClusterUnreachable`."""
    if kubeconfig is None:
        return "default"
    try:
        listed: Callable[[str], Any] = kubernetes.config.list_kube_config_contexts
        contexts, current = listed(str(kubeconfig))
    except kubernetes.config.ConfigException as error:
        raise ClusterUnreachable(str(error)) from error
    chosen = next((item for item in contexts if item["name"] == context), None) if context else current
    if chosen is None:
        names = ", ".join(sorted(item["name"] for item in contexts))
        raise BadInput(f"--context: {context} is not in {kubeconfig}; there are {names}")
    return str(chosen["context"].get("namespace") or "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterReading:
    """What was read. `calibrations` are those that the operator keeps; `gaps` says what is missing and matters."""

    store: Store
    calibrations: tuple[Calibration, ...] = ()
    gaps: tuple[str, ...] = ()


def read_cluster(kubeconfig: Path | None, context: str | None, *, operator_namespace: str) -> ClusterReading:
    """List everything and return it, with what the operator keeps in its own namespace. Raises `ClusterUnreachable`."""
    try:
        credentials = load_credentials(kubeconfig, context=context)
        return asyncio.run(_read(credentials, operator_namespace))
    except (FileNotFoundError, kubernetes.config.ConfigException) as error:
        raise ClusterUnreachable(str(error)) from error
    except NotFound as error:
        raise ClusterUnreachable(
            f"{error}; the CustomResourceDefinitions of {GROUP} are not installed (inferfleet crds)"
        ) from error
    except Forbidden as error:
        raise ClusterUnreachable(f"this user may not read what a decision depends on: {error.message}") from error
    except ApiError as error:
        raise ClusterUnreachable(str(error)) from error


async def _read(credentials: Credentials, operator_namespace: str) -> ClusterReading:
    store = Store()
    tables: list[tuple[Resource, AnyTable, str]] = [
        (INFERENCE_DEPLOYMENT, store.deployments, ""),
        (BUDGET_POLICY, store.policies, ""),
        (GPU_POOL, store.pools, ""),
        (GPU_TYPE, store.gpu_types, ""),
        (MODEL_PROFILE, store.profiles, ""),
        (NAMESPACE, store.namespaces, ""),
        (NODE, store.nodes, ""),
        (POD, store.pods, ""),
        *((resource, store.children[resource], DEPLOYMENT_LABEL) for resource in CHILDREN),
    ]
    client = Client(credentials)
    try:
        for resource, table, selector in tables:
            await list_into(client, resource, table, selector=selector)
        calibrations, gaps = await _calibrations(client, operator_namespace)
    finally:
        await client.close()
    return ClusterReading(store=store, calibrations=calibrations, gaps=gaps)


async def _calibrations(client: Client, namespace: str) -> tuple[tuple[Calibration, ...], tuple[str, ...]]:
    """Read the calibrations; a user who may not is told that estimates may differ from the operator's."""
    try:
        text = await CalibrationStorage(client, namespace=namespace).read()
    except Forbidden as error:
        gap = f"the operator's calibrations are not used, so its figures may differ: {error.message}"
        return (), (gap,)
    if text is None:
        return (), ()
    book = CalibrationBook(now=lambda: datetime.now(UTC))
    book.restore(text)
    return book.all(), ()
