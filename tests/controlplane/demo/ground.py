"""Where the demo takes place: on a control plane of its own, or on the cluster that the user has named for tests.

In: INFERFLEET_TEST_KUBECONFIG, or nothing. Out: a cluster. What the demo installs on a named cluster is removed again,
and one that has Inferfleet already is refused: it may be somebody's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tests.controlplane.cluster import Cluster
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.demo.world import EXAMPLES, NAMESPACE, RELEASE
from tests.controlplane.external import external_cluster

NAMED = "INFERFLEET_TEST_KUBECONFIG"


class OccupiedClusterError(RuntimeError):
    """The named cluster has Inferfleet already."""


def ground_name() -> str:
    """Return what `ground` is going to do, for people."""
    named = os.environ.get(NAMED)
    return f"using the cluster of {named}" if named else "starting etcd, API server, controllers, scheduler and KWOK"


@contextlib.contextmanager
def ground() -> Iterator[Cluster]:
    """Provide a cluster while the block lasts. Raises OccupiedClusterError, and FileNotFoundError for a wrong name."""
    named = os.environ.get(NAMED)
    if not named:
        with ControlPlane.start() as own:
            yield own
        return
    with external_cluster(Path(named)) as cluster:
        if _crds(cluster):
            raise OccupiedClusterError(f"the cluster of {NAMED} has Inferfleet already; the demo wants one without")
        try:
            yield cluster
        finally:
            _clear(cluster)


def _clear(cluster: Cluster) -> None:
    """Remove what the demo installs; objects that somebody added go with their CRDs."""
    if "operator" in cluster.processes.process_ids():
        cluster.processes.end("operator")
    if _crds(cluster):
        cluster.kubectl("delete", "-f", str(EXAMPLES), "--ignore-not-found")
        cluster.kubectl("delete", "crd", *_crds(cluster))
    if RELEASE in cluster.helm("list", "--short", "--namespace", NAMESPACE).split():
        cluster.helm("uninstall", RELEASE, "--namespace", NAMESPACE)
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")


def _crds(cluster: Cluster) -> list[str]:
    listed = cluster.objects.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    return [crd["metadata"]["name"] for crd in listed if crd["spec"]["group"] == "inferfleet.dev"]
