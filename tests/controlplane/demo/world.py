"""The world of the demo: what a platform team and an ML team would have set up, in a cluster that is ready to be used.

In: a cluster. Out: nodes, the chart, a running operator, the examples. Used by the demo and by the tests of what the
demo and the documentation tell people to type. Must not print and must not judge what the operator decides.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.controlplane.behaviour import behave, complete, slow_start
from tests.controlplane.cluster import Cluster
from tests.controlplane.demo.fleet import create_nodes
from tests.controlplane.objects import Manifest
from tests.controlplane.operator_process import OperatorProcess
from tests.controlplane.waiting import eventually

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "inferfleet"
EXAMPLES = ROOT / "examples"
API = "inferfleet.dev/v1alpha1"
NAMESPACE = "inferfleet-system"
RELEASE = "inferfleet"
PLATFORM_KINDS = ("BudgetPolicy", "GPUPool", "GPUType", "ModelProfile")
MODEL_LOAD_SECONDS, BATCH_SECONDS = 3.0, 10.0
"""How long a simulated engine loads its model, and how long a batch then takes; minutes to hours on real GPUs."""

_TOKEN_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A cluster and the names of the nodes that were made in it, by pool."""

    cluster: Cluster
    nodes: dict[str, list[str]]


def examples(*kinds: str) -> list[Manifest]:
    """Return the objects of `examples/`, of some kinds or of all."""
    files = sorted(EXAMPLES.glob("*.yaml"))
    manifests = [manifest for file in files for manifest in yaml.safe_load_all(file.read_text()) if manifest]
    return [manifest for manifest in manifests if not kinds or manifest["kind"] in kinds]


def make_fleet(cluster: Cluster) -> World:
    """Create the nodes of every pool of the examples."""
    return World(cluster=cluster, nodes=create_nodes(cluster, examples("GPUPool")))


@contextlib.contextmanager
def simulated_engines(cluster: Cluster) -> Iterator[None]:
    """Let engines take a while to load, and batches come to an end.

    Nothing answers at their addresses: figures that nobody has measured would correct what the operator has estimated.
    """
    batches = [item["metadata"]["name"] for item in examples("InferenceDeployment") if "batch" in item["spec"]]
    with contextlib.ExitStack() as stack:
        stack.enter_context(behave(cluster, slow_start(MODEL_LOAD_SECONDS)))
        for name in batches:
            stack.enter_context(behave(cluster, complete(BATCH_SECONDS), deployment=name))
        yield


def install_chart(cluster: Cluster) -> None:
    """Install the chart with helm: everything but pods, for no image of the operator exists to be run."""
    options = ("--namespace", NAMESPACE, "--create-namespace", "--set", "replicas=0,hub.enabled=false")
    cluster.helm("install", RELEASE, str(CHART), *options)
    cluster.kubectl("wait", "--for=condition=Established", "crd", "-l", "app.kubernetes.io/part-of=inferfleet")


def start_operator(cluster: Cluster, *, wait: bool = True) -> OperatorProcess:
    """Run the operator here as its container would: the chart's settings, and a token of the chart's account."""
    kubeconfig = cluster.kubeconfig_for_service_account(NAMESPACE, RELEASE, seconds=_TOKEN_SECONDS)
    settings = {**_chart_settings(cluster), "LOG_FORMAT": "text"}
    return OperatorProcess.start(cluster, kubeconfig=kubeconfig, namespace=NAMESPACE, settings=settings, wait=wait)


def apply_platform(cluster: Cluster) -> None:
    """Apply what the platform team declares, so that the operator knows all pools before it is asked for anything."""
    cluster.kubectl("apply", "-f", "-", input=yaml.safe_dump_all(examples(*PLATFORM_KINDS)))
    names = [pool["metadata"]["name"] for pool in examples("GPUPool")]
    eventually(lambda: all(_is_observed(cluster, name) for name in names), 30, describe="every GPUPool has a status")


def apply_examples(cluster: Cluster) -> None:
    """Type what a newcomer types."""
    cluster.kubectl("apply", "-f", str(EXAMPLES))


def _is_observed(cluster: Cluster, pool: str) -> bool:
    return bool(cluster.objects.get(API, "GPUPool", pool).get("status"))


def _chart_settings(cluster: Cluster) -> dict[str, str]:
    """Return the operator's settings as the chart's Deployment has them, but the port: several may run side by side."""
    deployment = cluster.objects.get("apps/v1", "Deployment", RELEASE, NAMESPACE)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    prefix = "INFERFLEET_"
    return {
        entry["name"].removeprefix(prefix): entry.get("value", "")
        for entry in container["env"]
        if entry["name"].startswith(prefix) and "valueFrom" not in entry and entry["name"] != f"{prefix}HTTP_PORT"
    }
