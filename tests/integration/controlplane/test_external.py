"""A cluster that the user names serves as well as one of our own, and is left as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.external import external_cluster
from tests.controlplane.hardware import L4
from tests.controlplane.nodes import Pool, scale_pool


@pytest.fixture(scope="module")
def kubeconfig(module_cluster: ControlPlane) -> Path:
    """A cluster on which nothing of ours runs: its own simulated kubelets are ended."""
    module_cluster.processes.end("kwok")
    return module_cluster.kubeconfig


def test_simulated_nodes_become_ready_on_a_named_cluster(kubeconfig: Path) -> None:
    with external_cluster(kubeconfig) as cluster:
        assert scale_pool(cluster, Pool(name="external", gpu=L4), 1) == ["external-0"]


def test_a_named_cluster_is_left_without_what_was_installed(kubeconfig: Path, module_cluster: ControlPlane) -> None:
    with external_cluster(kubeconfig) as cluster:
        scale_pool(cluster, Pool(name="external", gpu=L4), 1)
    assert module_cluster.objects.list("v1", "Node") == []


def test_a_kubeconfig_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match=r"INFERFLEET_TEST_KUBECONFIG=.*absent"),
        external_cluster(tmp_path / "absent"),
    ):
        pass
