"""Starts and stops a whole control plane: etcd, API server, controller manager, scheduler, KWOK.

In: nothing but the programs of `build.py`. Out: a running `Cluster` with an administrator's kubeconfig, RBAC enforced.
Several run side by side: own directory, own ports, own pod network. None outlives the process that started it.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3

from tests.controlplane import arguments, build, kwok
from tests.controlplane.addresses import PodNetwork, claim_pod_network, free_ports
from tests.controlplane.audit import Write, read_writes
from tests.controlplane.cluster import Cluster, write_kubeconfig
from tests.controlplane.objects import ApiError
from tests.controlplane.processes import Processes
from tests.controlplane.waiting import eventually

_READY_SECONDS = 90
# An eighth of the API server's time in a burst was the garbage collector's (pprof); memory is there.
_GO_SETTINGS = {"GOGC": "200"}


@dataclass(slots=True, kw_only=True)
class ControlPlane(Cluster):
    """A control plane of this process. Use `ControlPlane.start()`, or it as a context manager."""

    network: PodNetwork
    server: str
    ports: dict[str, int]

    @classmethod
    def start(cls) -> Self:
        """Start everything and return when the API is ready and pods can be created and run."""
        programs = build.programs_directory()
        directory = Path(tempfile.mkdtemp(prefix="inferfleet-controlplane-"))
        ports = dict(zip(arguments.PORTS, free_ports(len(arguments.PORTS)), strict=True))
        cluster = cls(
            directory=directory,
            programs=programs,
            kubeconfig=arguments.kubeconfig(directory, "admin"),
            processes=Processes(directory),
            network=claim_pod_network(),
            server=f"https://127.0.0.1:{ports['api']}",
            ports=ports,
        )
        try:
            cluster._start_api()
            cluster._start_controllers()
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every process and remove the directory. Safe to call twice."""
        self.processes.stop()
        self.network.release()

    def restart_apiserver(self) -> None:
        """Kill the API server as a crash would, start it again and wait until it is ready."""
        self.processes.restart("kube-apiserver")
        self._wait_for_api()

    def stop_apiserver(self) -> None:
        """Kill the API server: connections are refused until `restart_apiserver`."""
        self.processes.kill("kube-apiserver")

    def pause_apiserver(self) -> None:
        """Freeze the API server: connections stay open and nothing answers."""
        self.processes.pause("kube-apiserver")

    def resume_apiserver(self) -> None:
        """Let a frozen API server go on."""
        self.processes.resume("kube-apiserver")

    def expire_watches(self) -> None:
        """Make every resource version known so far too old: watches that continue from one end with 410 Gone.

        The API server answers watches from its own cache, whose history begins when it starts; etcd must forget as
        well, so that continued lists expire too.
        """
        marker = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "expire-watches"}}
        for step in range(3):
            self.objects.apply({**marker, "data": {"step": f"{step} {secrets.token_hex(4)}"}})
        self._etcd("kv/compaction", {"revision": self._etcd_revision(), "physical": True})
        self.restart_apiserver()

    def writes(self, *, user: str = "", after: int = 0) -> list[Write]:
        """Return the writes made by anyone but Kubernetes, or by one user, since `audit_position` was `after`."""
        return [
            write for write in read_writes(arguments.audit_log(self.directory), after=after) if user in {"", write.user}
        ]

    def audit_position(self) -> int:
        """Return the present end of the log of writes, in bytes."""
        log = arguments.audit_log(self.directory)
        return log.stat().st_size if log.exists() else 0

    def memory_mib(self) -> dict[str, float]:
        """Return the resident memory of every program in MiB (Linux)."""
        sizes = {}
        for name, process_id in self.processes.process_ids().items():
            status = Path(f"/proc/{process_id}/status").read_text()
            kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
            sizes[name] = int(kib) / 1024
        return sizes

    def _start_api(self) -> None:
        tokens = arguments.write_tokens(self.directory)
        self._start("etcd", arguments.etcd(self.directory, self.ports))
        self._start("kube-apiserver", arguments.api_server(self.directory, self.ports))
        certificate = arguments.certificate(self.directory)
        # The key is written after the certificates: once it is there, they are complete.
        eventually(lambda: self._alive() and certificate.with_suffix(".key").exists(), _READY_SECONDS, interval=0.02)
        for user, token in tokens.items():
            path = arguments.kubeconfig(self.directory, user)
            write_kubeconfig(path, server=self.server, authority=certificate.read_bytes(), token=token)
        self._wait_for_api()

    def _start_controllers(self) -> None:
        self._start("kube-controller-manager", arguments.controller_manager(self.directory))
        self._start("kube-scheduler", arguments.scheduler(self.directory))
        kwok.install(self)
        kubelet = self.ports["kubelet"]
        kubeconfig = arguments.kubeconfig(self.directory, "kwok")
        self._start("kwok", kwok.arguments(kubeconfig, self.network.cidr, kubelet))
        eventually(lambda: self._alive() and self.objects.find("v1", "ServiceAccount", "default", "default"), 60)
        kwok.wait_until_ready(kubelet)

    def _start(self, program: str, words: list[str]) -> None:
        self.processes.start(program, [str(self.programs / program), *words], environment=os.environ | _GO_SETTINGS)

    def _alive(self) -> bool:
        self.processes.check()
        return True

    def _wait_for_api(self) -> None:
        def ready() -> bool:
            self.processes.check()
            try:
                return self.objects.request("GET", "/readyz", timeout=5).get("text") == "ok"
            except urllib3.exceptions.SSLError:
                raise
            except (ApiError, urllib3.exceptions.HTTPError) as error:
                raise AssertionError(str(error)) from error

        eventually(ready, _READY_SECONDS, interval=0.05, describe="API server ready")

    def _etcd(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Call etcd's JSON gateway, which spares a client library."""
        url = f"http://127.0.0.1:{self.ports['etcd']}/v3/{path}"
        request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def _etcd_revision(self) -> int:
        answer = self._etcd("kv/range", {"key": base64.b64encode(b"/").decode(), "limit": 1})
        return int(answer["header"]["revision"])
