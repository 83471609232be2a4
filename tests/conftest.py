"""What every test may ask for: a control plane (started on first use), a namespace of its own, fresh clusters.

Unit tests ask for none of it and pay nothing. Tests under `tests/integration` are marked `controlplane`.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.cluster import Cluster
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.engine import StubEngines
from tests.controlplane.external import external_cluster

_ROOT = Path(__file__).parents[1]
_CRDS = sorted((_ROOT / "crds").glob("*.yaml"))
_INTEGRATION = Path(__file__).parent / "integration"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a control plane, so that `-m 'not controlplane'` is the fast half."""
    for item in items:
        if item.path.is_relative_to(_INTEGRATION):
            item.add_marker(pytest.mark.controlplane)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Run one cluster for the whole session, with the CRDs of `crds/`; INFERFLEET_TEST_KUBECONFIG names another."""
    named = os.environ.get("INFERFLEET_TEST_KUBECONFIG")
    with external_cluster(Path(named)) if named else ControlPlane.start() as running:
        running.install_crds(*_CRDS)
        yield running


@pytest.fixture
def fresh_cluster() -> Iterator[ControlPlane]:
    """Start a control plane for one test, which may restart it or needs it empty. It has the CRDs of `crds/`."""
    yield from _own_control_plane()


@pytest.fixture(scope="module")
def module_cluster() -> Iterator[ControlPlane]:
    """Start a control plane for the tests of one file, which share what they create and may restart it."""
    yield from _own_control_plane()


def _own_control_plane() -> Iterator[ControlPlane]:
    if os.environ.get("INFERFLEET_TEST_KUBECONFIG"):
        pytest.skip("INFERFLEET_TEST_KUBECONFIG names a cluster; this needs one that it may restart and throw away")
    with ControlPlane.start() as running:
        running.install_crds(*_CRDS)
        yield running


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """Make a namespace of this test alone, deleted afterwards; its name begins with the test's."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    name = f"{words[:40].strip('-')}-{secrets.token_hex(3)}"
    cluster.create_namespace(name)
    yield name
    cluster.delete_namespace(name)


@pytest.fixture(scope="session")
def engines(cluster: Cluster) -> Iterator[StubEngines]:
    """Answer for every ready pod of `cluster` that requests GPUs, at the pod's own address, as vLLM would."""
    with StubEngines(cluster) as running:
        yield running
