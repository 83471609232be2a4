"""Container logs of simulated pods, so that `kubectl logs` answers.

In: text. Out: a log file, and the object that makes KWOK's kubelet serve it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tests.controlplane.cluster import Cluster
from tests.controlplane.objects import Manifest


def write_log(cluster: Cluster, namespace: str, pod: str, text: str, *, container: str = "engine") -> None:
    """Make a container's log be `text`. Call it again to replace the text."""
    path = cluster.directory / "logs" / namespace / pod / f"{container}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    path.write_text("".join(f"{now} stdout F {line}\n" for line in text.splitlines()))
    manifest: Manifest = {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Logs",
        "metadata": {"name": pod, "namespace": namespace},
        "spec": {"logs": [{"containers": [container], "logsFile": str(path), "follow": False}]},
    }
    cluster.objects.apply(manifest)
