"""How each program of the control plane is started: its arguments, and the files that they name.

In: the control plane's directory and ports. Out: argument lists. Nothing is started here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

import yaml

PORTS = ("api", "etcd", "etcd-peer", "kubelet")

_USERS = {
    "admin": ("tests:admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kwok": ("system:kwok", "system:masters"),
}
# The EndpointSlice controller is left out: the API refuses the pods' loopback addresses in slices, so it would do
# nothing but try again. Nobody here follows a Service's address.
_CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "deployment-controller",
    "disruption-controller",
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
_QPS, _BURST = 2000, 4000
"""As shipped (20 to 50 requests per second) a burst of objects waits for the client, not for the API."""
_AUDIT_POLICY = Path(__file__).with_name("configuration") / "audit.yaml"


def kubeconfig(directory: Path, user: str) -> Path:
    """Return the path of a user's kubeconfig."""
    return directory / f"{user}.kubeconfig"


def certificate(directory: Path) -> Path:
    """Return the path of the certificates that the API server makes for itself, its authority among them."""
    return directory / "certificates" / "apiserver.crt"


def audit_log(directory: Path) -> Path:
    """Return the path of the log of writes."""
    return directory / "audit.log"


def write_tokens(directory: Path) -> dict[str, str]:
    """Write the API server's file of static tokens; return the token of every user."""
    tokens = {user: secrets.token_hex(16) for user in _USERS}
    path = _token_file(directory)
    path.touch(mode=0o600)
    path.write_text("".join(f'{tokens[user]},{name},{name},"{group}"\n' for user, (name, group) in _USERS.items()))
    return tokens


def etcd(directory: Path, ports: Mapping[str, int]) -> list[str]:
    """Return etcd's arguments: nothing is flushed to disk, for nothing has to survive the machine."""
    client, peer = f"http://127.0.0.1:{ports['etcd']}", f"http://127.0.0.1:{ports['etcd-peer']}"
    return [
        f"--data-dir={directory / 'etcd'}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--quota-backend-bytes=4294967296",
        "--log-level=warn",
    ]


def api_server(directory: Path, ports: Mapping[str, int]) -> list[str]:
    """Return the API server's arguments."""
    key = certificate(directory).with_suffix(".key")
    return [
        f"--etcd-servers=http://127.0.0.1:{ports['etcd']}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={ports['api']}",
        # The server makes its own certificate, and lends its key for the tokens of service accounts.
        f"--cert-dir={key.parent}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--token-auth-file={_token_file(directory)}",
        "--authorization-mode=Node,RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--endpoint-reconciler-type=none",
        "--max-requests-inflight=2000",
        "--max-mutating-requests-inflight=1000",
        "--profiling=false",
        f"--audit-policy-file={_AUDIT_POLICY}",
        f"--audit-log-path={audit_log(directory)}",
    ]


def controller_manager(directory: Path) -> list[str]:
    """Return the controller manager's arguments: every controller acts as its own service account, as in production."""
    authority = certificate(directory)
    return [
        f"--kubeconfig={kubeconfig(directory, 'kube-controller-manager')}",
        f"--controllers={','.join(_CONTROLLERS)}",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={authority.with_suffix('.key')}",
        f"--root-ca-file={authority}",
        "--leader-elect=false",
        "--secure-port=0",
        "--concurrent-deployment-syncs=20",
        "--concurrent-replicaset-syncs=20",
        "--concurrent-job-syncs=20",
        "--horizontal-pod-autoscaler-sync-period=1s",
        "--node-monitor-period=1s",
        f"--kube-api-qps={_QPS}",
        f"--kube-api-burst={_BURST}",
    ]


def scheduler(directory: Path) -> list[str]:
    """Write the scheduler's configuration, return its arguments: what did not fit is tried again after one second."""
    path = directory / "kube-scheduler.yaml"
    configuration = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False},
        "clientConnection": {
            "kubeconfig": str(kubeconfig(directory, "kube-scheduler")),
            "qps": _QPS,
            "burst": _BURST,
        },
        "podInitialBackoffSeconds": 1,
        "podMaxBackoffSeconds": 1,
    }
    path.write_text(yaml.safe_dump(configuration))
    return [f"--config={path}", "--secure-port=0"]


def _token_file(directory: Path) -> Path:
    return directory / "tokens.csv"
