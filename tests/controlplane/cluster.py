"""A Kubernetes cluster that tests may do anything with: kubectl, helm, objects and rights of a service account.

In: an admin kubeconfig. Out: what the programs printed. Must never use the ambient KUBECONFIG, which may be production.
"""

from __future__ import annotations

import base64
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.controlplane.objects import Manifest, Objects, credentials
from tests.controlplane.processes import Processes
from tests.controlplane.waiting import eventually


class CommandFailedError(RuntimeError):
    """kubectl or helm ended with an error; the message is what it printed."""


@dataclass(slots=True, kw_only=True)
class Cluster:
    """One cluster. `directory` is for files that live as long as it does; `programs` holds kubectl and helm.

    `processes` are those that this process runs for it, and that end with it.
    """

    directory: Path
    programs: Path
    kubeconfig: Path
    processes: Processes
    _objects: Objects | None = field(default=None, init=False)

    @property
    def objects(self) -> Objects:
        """Objects of the cluster, with the rights of an administrator."""
        if self._objects is None:
            self._objects = Objects(self.kubeconfig)
        return self._objects

    def kubectl(self, *arguments: str, input: str | None = None, kubeconfig: Path | None = None) -> str:  # noqa: A002
        """Run kubectl and return what it printed. Raises CommandFailedError with its message."""
        return self._run("kubectl", *arguments, stdin=input, kubeconfig=kubeconfig)

    def helm(self, *arguments: str, input: str | None = None, kubeconfig: Path | None = None) -> str:  # noqa: A002
        """Run helm and return what it printed. Raises CommandFailedError with its message."""
        return self._run("helm", *arguments, stdin=input, kubeconfig=kubeconfig)

    def apply_files(self, *paths: Path) -> None:
        """Server-side apply every object of YAML files or of the YAML files in directories."""
        for path in paths:
            for file in sorted(path.glob("*.yaml")) if path.is_dir() else [path]:
                for manifest in yaml.safe_load_all(file.read_text()):
                    if manifest:
                        self.objects.apply(manifest)

    def install_crds(self, *paths: Path) -> None:
        """Apply CustomResourceDefinitions from YAML files or directories and wait until the API serves them."""
        files = [file for path in paths for file in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])]
        manifests = [manifest for file in files for manifest in yaml.safe_load_all(file.read_text()) if manifest]
        for manifest in manifests:
            self.objects.apply(manifest)
        for manifest in manifests:
            self.wait_for_crd(manifest["metadata"]["name"])

    def wait_for_crd(self, name: str) -> None:
        """Wait until objects of a CustomResourceDefinition can be created."""

        def served() -> bool:
            crd = self.objects.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name)
            conditions = {entry["type"]: entry["status"] for entry in crd.get("status", {}).get("conditions") or ()}
            return conditions.get("Established") == "True"

        eventually(served, 20, interval=0.05, describe=f"CustomResourceDefinition {name} established")

    def create_namespace(self, name: str, *, labels: dict[str, str] | None = None) -> str:
        """Create a namespace and wait for its default service account, without which no pod can be created."""
        manifest: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        manifest["metadata"]["labels"] = labels or {}
        self.objects.create(manifest)
        eventually(lambda: self.objects.find("v1", "ServiceAccount", "default", name), 20, interval=0.05)
        return name

    def delete_namespace(self, name: str) -> None:
        """Delete a namespace in the background, and its pods now: Kubernetes itself would begin after five seconds."""
        self.objects.delete("v1", "Namespace", name)
        self.objects.request("DELETE", self.objects.path("v1", "Pod", name), {"gracePeriodSeconds": 0})

    def service_account_token(self, namespace: str, name: str, *, seconds: int = 3600) -> str:
        """Return a token of a service account, valid for `seconds`."""
        path = self.objects.path("v1", "ServiceAccount", namespace, name) + "/token"
        answer = self.objects.request("POST", path, {"spec": {"expirationSeconds": seconds}})
        return str(answer["status"]["token"])

    def kubeconfig_for_service_account(self, namespace: str, name: str, *, seconds: int = 3600) -> Path:
        """Write a kubeconfig whose user is a service account for `seconds`, so that RBAC decides what it may do."""
        token = self.service_account_token(namespace, name, seconds=seconds)
        path = self.directory / f"kubeconfig-{namespace}-{name}"
        settings = credentials(self.kubeconfig)
        authority = Path(settings.ssl_ca_cert).read_bytes() if settings.ssl_ca_cert else b""
        write_kubeconfig(path, server=settings.host, authority=authority, token=token)
        return path

    def _run(self, program: str, *arguments: str, stdin: str | None, kubeconfig: Path | None) -> str:
        home = self.directory / "home"
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(home),
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            **{f"HELM_{kind}_HOME": str(home / f"helm-{kind}") for kind in ("CACHE", "CONFIG", "DATA")},
        }
        done = subprocess.run(
            [str(self.programs / program), *arguments],
            input=stdin,
            check=False,
            capture_output=True,
            text=True,
            env=environment,
        )
        if done.returncode:
            command = " ".join([program, *arguments])
            raise CommandFailedError(f"{command}: exit {done.returncode}\n{done.stderr}{done.stdout}")
        return done.stdout


def write_kubeconfig(path: Path, *, server: str, authority: bytes, token: str) -> None:
    """Write a kubeconfig with one cluster and one token; `authority` is the PEM of the cluster's certificates."""
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": cluster}],
        "users": [{"name": "tests", "user": {"token": token}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
        "current-context": "tests",
    }
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
