"""The operator as a process of its own, started as its container would start it: `inferfleet run` and environment.

In: a cluster, and a kubeconfig whose rights it gets. Out: a running process that tests stop, kill and ask for metrics.
Must not import the product: what is tested is what is shipped.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import urllib3

from tests.controlplane.addresses import free_ports
from tests.controlplane.cluster import Cluster
from tests.controlplane.waiting import eventually


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorProcess:
    """One replica of the operator. As a context manager it is stopped at the end of the block."""

    cluster: Cluster
    name: str
    url: str

    @classmethod
    def start(
        cls,
        cluster: Cluster,
        *,
        kubeconfig: Path | None = None,
        name: str = "operator",
        namespace: str = "default",
        settings: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> Self:
        """Start a replica and wait for its /readyz.

        `namespace` holds its Lease; `settings` are environment variables without their prefix `INFERFLEET_`. The
        model hub is off unless they say otherwise: tests reach nothing but the cluster.
        """
        (port,) = free_ports(1)
        given = {
            "NAMESPACE": namespace,
            "IDENTITY": name,
            "HTTP_PORT": str(port),
            "HUB_ENABLED": "false",
            "LOG_FORMAT": "text",
            **(settings or {}),
        }
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(cluster.directory / "home"),
            "KUBECONFIG": str(kubeconfig or cluster.kubeconfig),
            "PYTHONUNBUFFERED": "1",
            **{f"INFERFLEET_{key}": value for key, value in given.items()},
        }
        cluster.processes.start(name, [sys.executable, "-m", "inferfleet", "run"], environment=environment)
        started = cls(cluster=cluster, name=name, url=f"http://127.0.0.1:{port}")
        if wait:
            started.wait_until_ready()
        return started

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.name in self.cluster.processes.process_ids():
            self.stop()

    @property
    def process_id(self) -> int:
        """The process id, for measuring memory and CPU time."""
        return self.cluster.processes.process_ids()[self.name]

    def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Wait until /readyz says yes; a process that ended says why."""

        def ready() -> bool:
            self.cluster.processes.check()
            return self.answer("/readyz") == 200

        eventually(ready, timeout, describe=f"{self.name} ready")

    def answer(self, path: str) -> int:
        """Return the HTTP status of a path, 0 where nobody answers."""
        try:
            return int(urllib3.request("GET", self.url + path, retries=False, timeout=5).status)
        except urllib3.exceptions.HTTPError:
            return 0

    def metrics(self) -> str:
        """Return what Prometheus would read."""
        return urllib3.request("GET", self.url + "/metrics", retries=False, timeout=10).data.decode()

    def log(self, lines: int = 200) -> str:
        """Return the last lines that the replica has logged."""
        return self.cluster.processes.log_tail(self.name, lines)

    def stop(self) -> int:
        """Send SIGTERM, as Kubernetes does; return the exit code."""
        return self.cluster.processes.end(self.name)

    def kill(self) -> None:
        """Send SIGKILL: no goodbye, the Lease stays held."""
        self.cluster.processes.end(self.name, signal.SIGKILL)
