"""KWOK plays the kubelets: what it is told to do with nodes and pods, and how it is started.

In: the files of `configuration/`. Out: custom resources of the cluster, which tests may add to (see `behaviour.py`).
"""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import yaml

from tests.controlplane.behaviour import BECOME_READY, stage
from tests.controlplane.cluster import Cluster
from tests.controlplane.objects import Manifest
from tests.controlplane.waiting import eventually

NODE_ANNOTATION = {"kwok.x-k8s.io/node": "fake"}
"""Nodes with this annotation are simulated; all others, on a cluster of the user, are left alone."""

_FILES = Path(__file__).with_name("configuration")


def arguments(kubeconfig: Path, cidr: str, port: int) -> list[str]:
    """Return KWOK's arguments; `port` serves what a kubelet would (logs, health) for every simulated node."""
    return [
        f"--kubeconfig={kubeconfig}",
        f"--config={_FILES / 'kwok.yaml'}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=" + ",".join(f"{k}={v}" for k, v in NODE_ANNOTATION.items()),
        "--enable-crds=Stage,Logs",
        f"--cidr={cidr}",
        "--node-ip=127.0.0.1",
        f"--node-port={port}",
        f"--server-address=127.0.0.1:{port}",
        "--node-lease-duration-seconds=40",
    ]


def install(cluster: Cluster) -> None:
    """Install the Stage kind and the default behaviour of nodes, pods and volumes."""
    cluster.install_crds(_FILES / "crd.yaml")
    for manifest in _manifests():
        cluster.objects.apply(manifest)


def uninstall(cluster: Cluster) -> None:
    """Remove what `install` installed, and wait until it is gone."""
    for manifest in _manifests():
        cluster.objects.delete(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"])
    definition = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    names = ("stages.kwok.x-k8s.io", "logs.kwok.x-k8s.io")
    for name in names:
        cluster.objects.delete(*definition, name)
    eventually(lambda: not any(cluster.objects.find(*definition, name) for name in names), describe="KWOK's kinds gone")


def _manifests() -> list[Manifest]:
    files = [_FILES / f"{name}.yaml" for name in ("nodes", "pods", "volumes")]
    manifests = [manifest for file in files for manifest in yaml.safe_load_all(file.read_text())]
    return [*manifests, stage("pod-ready", BECOME_READY[0], weight=0)]


def wait_until_ready(port: int) -> None:
    """Wait until KWOK watches nodes and pods."""

    def healthy() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as response:
                return int(response.status) == 200
        except (urllib.error.URLError, OSError):
            return False

    eventually(healthy, 60, interval=0.05, describe="KWOK ready")
