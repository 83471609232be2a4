"""An operator with all sources: engines that answer, logs that it may read, a hub, and a team's namespace per test."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.engine import StubEngines
from tests.controlplane.hardware import L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool
from tests.controlplane.operator_process import OperatorProcess
from tests.fake_hub import FakeHub, fake_hub
from tests.integration.chart.helm_chart import NAMESPACE, one, render
from tests.integration.operator.conftest import Document, Team, gpu_pool


@pytest.fixture(scope="module")
def hub() -> Iterator[FakeHub]:
    """A hub on this machine with one repository, which it gives under every name."""
    with fake_hub() as running:
        yield running


@pytest.fixture(scope="module")
def engines(module_cluster: ControlPlane) -> Iterator[StubEngines]:
    """Every ready pod answers as vLLM would."""
    with StubEngines(module_cluster) as running:
        yield running


@pytest.fixture(scope="module")
def operator(module_cluster: ControlPlane, engines: StubEngines, hub: FakeHub) -> Iterator[OperatorProcess]:
    """An operator that looks at engines every second, may read logs, and asks the hub of this machine."""
    pool = Pool(name="l40s", gpu=L40S, gpus_per_node=4, provider=Provider.EKS)
    scale_pool(module_cluster, pool, 4)
    module_cluster.objects.apply(gpu_pool(pool))
    with start_operator(module_cluster, hub) as running:
        yield running


def start_operator(cluster: ControlPlane, hub: FakeHub) -> OperatorProcess:
    """Start an operator with the rights that the chart gives it."""
    settings = {"SCRAPE_SECONDS": "1", "READ_POD_LOGS": "true", "HUB_ENABLED": "true", "HF_ENDPOINT": hub.endpoint}
    rights = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
    manifests = [item for item in render("--set", "engines.readPodLogs=true") if item["kind"] in rights]
    if cluster.objects.find("v1", "Namespace", NAMESPACE) is None:
        cluster.create_namespace(NAMESPACE)
    for manifest in manifests:
        cluster.objects.apply(manifest)
    account = one(manifests, "ServiceAccount")["metadata"]["name"]
    kubeconfig = cluster.kubeconfig_for_service_account(NAMESPACE, account)
    return OperatorProcess.start(cluster, kubeconfig=kubeconfig, namespace=NAMESPACE, settings=settings)


@pytest.fixture(scope="module")
def numbers() -> Callable[[], int]:
    """Count namespaces of a file."""
    return itertools.count(1).__next__


@pytest.fixture
def team(module_cluster: ControlPlane, operator: OperatorProcess, numbers: Callable[[], int]) -> Iterator[Team]:
    """A namespace of one test, emptied afterwards."""
    namespace = module_cluster.create_namespace(f"team-{numbers()}")
    yield Team(module_cluster, namespace)
    module_cluster.delete_namespace(namespace)


def arguments(team: Team, name: str = "chat") -> list[str]:
    """The command line of the engine that the Deployment of this name starts."""
    (child,) = [item for item in team.children() if item["metadata"]["name"] == name]
    words: list[str] = child["spec"]["template"]["spec"]["containers"][0]["args"]
    return words


def argument(team: Team, flag: str, name: str = "chat") -> str:
    """The value of one flag of the engine."""
    (word,) = [word for word in arguments(team, name) if word.startswith(f"{flag}=")]
    return word.partition("=")[2]


def readings(operator: OperatorProcess, outcome: str) -> float:
    """How many looks at engines ended so."""
    found = re.search(rf'inferfleet_engine_readings_total{{outcome="{outcome}"}} ([\d.]+)', operator.metrics())
    return float(found[1]) if found else 0.0


def measured(item: Document) -> Document:
    """What status says that the engine measured, empty when it says nothing."""
    found: Document = item["status"].get("memory", {}).get("measured", {})
    return found
