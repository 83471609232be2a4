"""Starts and stops a whole control plane: etcd, API server, controller manager, scheduler, KWOK.

In: nothing but the programs of `build.py`. Out: a running `Cluster` with an administrator's kubeconfig, RBAC enforced.
Several run side by side: own directory, own ports, own pod network. None outlives the process that started it.
"""

from __future__ import annotations

import base64
import json
import secrets
import tempfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3
import yaml

from tests.controlplane import build, kwok
from tests.controlplane.addresses import PodNetwork, claim_pod_network, free_ports
from tests.controlplane.cluster import Cluster, write_kubeconfig
from tests.controlplane.objects import ApiError
from tests.controlplane.processes import Processes
from tests.controlplane.waiting import eventually

_USERS = {
    "admin": ("tests:admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kwok": ("system:kwok", "system:masters"),
}
_CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "deployment-controller",
    "disruption-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "horizontal-pod-autoscaler-controller",
    "job-controller",
    "namespace-controller",
    "node-lifecycle-controller",
    "persistentvolume-binder-controller",
    "persistentvolumeclaim-protection-controller",
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "statefulset-controller",
    "taint-eviction-controller",
    "ttl-after-finished-controller",
    "validatingadmissionpolicy-status-controller",
)
_CLIENT_LIMITS = ("--kube-api-qps=2000", "--kube-api-burst=4000")
"""As shipped (20 to 50 requests per second) a burst of objects waits for the client, not for the API."""
_READY_SECONDS = 90


@dataclass(slots=True, kw_only=True)
class ControlPlane(Cluster):
    """A control plane of this process. Use `ControlPlane.start()`, or it as a context manager."""

    processes: Processes
    network: PodNetwork
    server: str
    ports: dict[str, int]
    can_restart: bool = True
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def start(cls) -> Self:
        """Start everything and return when the API is ready and pods can be created and run."""
        programs = build.programs_directory()
        directory = Path(tempfile.mkdtemp(prefix="inferfleet-controlplane-"))
        names = ("api", "etcd", "etcd-peer", "kubelet")
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        cluster = cls(
            directory=directory,
            programs=programs,
            kubeconfig=directory / "admin.kubeconfig",
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

    def memory_mib(self) -> dict[str, float]:
        """Return the resident memory of every program in MiB (Linux)."""
        sizes = {}
        for name, process_id in self.processes.process_ids().items():
            status = Path(f"/proc/{process_id}/status").read_text()
            kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
            sizes[name] = int(kib) / 1024
        return sizes

    def _start_api(self) -> None:
        self._tokens = {user: secrets.token_hex(16) for user in _USERS}
        lines = [f'{self._tokens[user]},{name},{name},"{group}"' for user, (name, group) in _USERS.items()]
        token_file = self.directory / "tokens.csv"
        token_file.touch(mode=0o600)
        token_file.write_text("\n".join(lines) + "\n")
        self.processes.start("etcd", self._program("etcd", *self._etcd_arguments()))
        self.processes.start("kube-apiserver", self._program("kube-apiserver", *self._api_arguments(token_file)))
        certificate = self.directory / "certificates" / "apiserver.crt"
        eventually(lambda: self._alive() and certificate.exists(), _READY_SECONDS, interval=0.02)
        for user in _USERS:
            path = self.directory / f"{user}.kubeconfig"
            authority = certificate.read_bytes()
            write_kubeconfig(path, server=self.server, authority=authority, token=self._tokens[user])
        self._wait_for_api()

    def _start_controllers(self) -> None:
        key = self.directory / "certificates" / "apiserver.key"
        self.processes.start(
            "kube-controller-manager",
            self._program(
                "kube-controller-manager",
                f"--kubeconfig={self.directory / 'kube-controller-manager.kubeconfig'}",
                f"--controllers={','.join(_CONTROLLERS)}",
                "--use-service-account-credentials=true",
                f"--service-account-private-key-file={key}",
                f"--root-ca-file={key.with_suffix('.crt')}",
                "--leader-elect=false",
                "--secure-port=0",
                "--concurrent-deployment-syncs=20",
                "--concurrent-replicaset-syncs=20",
                "--concurrent-job-syncs=20",
                "--horizontal-pod-autoscaler-sync-period=1s",
                "--node-monitor-period=1s",
                *_CLIENT_LIMITS,
            ),
        )
        scheduler = self.directory / "kube-scheduler.yaml"
        scheduler.write_text(yaml.safe_dump(_scheduler_configuration(self.directory / "kube-scheduler.kubeconfig")))
        arguments = (f"--config={scheduler}", "--secure-port=0")
        self.processes.start("kube-scheduler", self._program("kube-scheduler", *arguments))
        kwok.install(self)
        kubelet = self.ports["kubelet"]
        kubeconfig = self.directory / "kwok.kubeconfig"
        self.processes.start("kwok", self._program("kwok", *kwok.arguments(kubeconfig, self.network.cidr, kubelet)))
        eventually(lambda: self._alive() and self.objects.find("v1", "ServiceAccount", "default", "default"), 60)
        kwok.wait_until_ready(kubelet)

    def _alive(self) -> bool:
        self.processes.check()
        return True

    def _wait_for_api(self) -> None:
        def ready() -> bool:
            self.processes.check()
            try:
                return self.objects.request("GET", "/readyz", timeout=5).get("text") == "ok"
            except (ApiError, urllib3.exceptions.HTTPError):
                return False

        eventually(ready, _READY_SECONDS, interval=0.05, describe="API server ready")

    def _program(self, name: str, *arguments: str) -> list[str]:
        return [str(self.programs / name), *arguments]

    def _etcd_arguments(self) -> list[str]:
        client, peer = f"http://127.0.0.1:{self.ports['etcd']}", f"http://127.0.0.1:{self.ports['etcd-peer']}"
        return [
            f"--data-dir={self.directory / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--quota-backend-bytes=4294967296",
            "--log-level=warn",
        ]

    def _api_arguments(self, token_file: Path) -> list[str]:
        certificates = self.directory / "certificates"
        return [
            f"--etcd-servers=http://127.0.0.1:{self.ports['etcd']}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self.ports['api']}",
            # The server makes its own certificate, and lends its key for the tokens of service accounts.
            f"--cert-dir={certificates}",
            f"--service-account-key-file={certificates / 'apiserver.key'}",
            f"--service-account-signing-key-file={certificates / 'apiserver.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--token-auth-file={token_file}",
            "--authorization-mode=Node,RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--endpoint-reconciler-type=none",
            "--max-requests-inflight=2000",
            "--max-mutating-requests-inflight=1000",
            "--profiling=false",
        ]

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


def _scheduler_configuration(kubeconfig: Path) -> dict[str, Any]:
    """Return the scheduler's configuration: a pod that did not fit is tried again after one second, not after ten."""
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False},
        "clientConnection": {"kubeconfig": str(kubeconfig), "qps": 2000, "burst": 4000},
        "podInitialBackoffSeconds": 1,
        "podMaxBackoffSeconds": 1,
    }
