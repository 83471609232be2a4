"""A cluster that the user named in INFERFLEET_TEST_KUBECONFIG: kind, k3d, or a real one for tests.

In: its kubeconfig. Out: the same `Cluster` as everywhere, with KWOK running here for simulated nodes only. What was
installed is removed at the end; the user's own nodes and objects are never touched.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.controlplane import build, kwok
from tests.controlplane.addresses import claim_pod_network, free_ports
from tests.controlplane.cluster import Cluster
from tests.controlplane.processes import Processes


@contextlib.contextmanager
def external_cluster(kubeconfig: Path) -> Iterator[Cluster]:
    """Use a cluster of the user for the duration of the block. Raises FileNotFoundError without that file."""
    if not kubeconfig.is_file():
        raise FileNotFoundError(f"INFERFLEET_TEST_KUBECONFIG={kubeconfig}: no such file; expected a kubeconfig")
    directory = Path(tempfile.mkdtemp(prefix="inferfleet-external-"))
    programs = build.programs_directory()
    own = directory / "admin.kubeconfig"
    shutil.copyfile(kubeconfig, own)
    processes = Processes(directory)
    cluster = Cluster(directory=directory, programs=programs, kubeconfig=own, processes=processes)
    network, (port,) = claim_pod_network(), free_ports(1)
    with contextlib.ExitStack() as undo:
        undo.callback(network.release)
        undo.callback(processes.stop)
        undo.callback(kwok.uninstall, cluster)
        undo.callback(_delete_simulated_nodes, cluster)
        kwok.install(cluster)
        processes.start("kwok", [str(programs / "kwok"), *kwok.arguments(own, network.cidr, port)])
        kwok.wait_until_ready(port)
        yield cluster


def _delete_simulated_nodes(cluster: Cluster) -> None:
    for node in cluster.objects.list("v1", "Node"):
        if kwok.NODE_ANNOTATION.items() <= node["metadata"].get("annotations", {}).items():
            cluster.objects.delete("v1", "Node", node["metadata"]["name"])
