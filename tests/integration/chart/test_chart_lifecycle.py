"""Install, upgrade, test and uninstall the chart with helm on a real API server; KWOK runs the operator's pod."""

import concurrent.futures
import shutil
from pathlib import Path

import pytest
import yaml

from tests.controlplane.cluster import CommandFailedError
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.objects import Manifest
from tests.controlplane.waiting import eventually
from tests.integration.chart.helm_chart import ALL_OPTIONS, CHART, NAMESPACE, ROOT

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted"}
GPU_TYPE: Manifest = {
    "apiVersion": "inferfleet.dev/v1alpha1",
    "kind": "GPUType",
    "metadata": {"name": "kept"},
    "spec": {
        "product": "Kept",
        "memoryMiB": 46068,
        "memoryBandwidthGBps": 864,
        "denseTFLOPS": {"bf16": "362"},
        "computeCapability": "8.9",
        "interconnect": "PCIe",
    },
}


@pytest.fixture(scope="module")
def installed(own_cluster: ControlPlane) -> ControlPlane:
    """Install the chart with its defaults into a namespace that enforces the restricted pod security standard."""
    own_cluster.create_namespace(NAMESPACE, labels=RESTRICTED)
    own_cluster.helm("install", "inferfleet", str(CHART), "--namespace", NAMESPACE, "--wait", "--timeout", "2m")
    return own_cluster


def deployment(cluster: ControlPlane) -> Manifest:
    return cluster.objects.get("apps/v1", "Deployment", "inferfleet", NAMESPACE)


def crd_names(cluster: ControlPlane) -> set[str]:
    crds = cluster.objects.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    return {crd["metadata"]["name"] for crd in crds if crd["spec"]["group"] == "inferfleet.dev"}


def generated_crds() -> set[str]:
    return {yaml.safe_load(path.read_text())["metadata"]["name"] for path in (ROOT / "crds").glob("*.yaml")}


def test_a_namespace_that_enforces_the_restricted_standard_runs_the_operators_pod(installed: ControlPlane) -> None:
    pods = installed.objects.list("v1", "Pod", NAMESPACE, labels={"app.kubernetes.io/component": "operator"})
    assert [pod["status"]["phase"] for pod in pods] == ["Running"]


def test_the_api_serves_every_kind_after_the_install(installed: ControlPlane) -> None:
    assert crd_names(installed) == generated_crds()
    installed.kubectl("apply", "--server-side", "-f", "-", input=yaml.safe_dump(GPU_TYPE))


def test_an_upgrade_changes_what_the_value_says_and_nothing_else(installed: ControlPlane) -> None:
    before = deployment(installed)
    options = ("--namespace", NAMESPACE, "--wait", "--timeout", "2m")
    installed.helm("upgrade", "inferfleet", str(CHART), *options, "--set", "budgets.required=true")
    after = deployment(installed)
    variables = {entry["name"]: entry for entry in container(before)["env"]}
    assert [entry for entry in container(after)["env"] if entry != variables[entry["name"]]] == [
        {"name": "INFERFLEET_BUDGETS_REQUIRED", "value": "true"}
    ]
    assert {**container(after), "env": ()} == {**container(before), "env": ()}


def container(workload: Manifest) -> Manifest:
    (found,) = workload["spec"]["template"]["spec"]["containers"]
    return dict(found)


def test_an_upgrade_without_a_change_leaves_the_pod_alone(installed: ControlPlane) -> None:
    before = deployment(installed)["metadata"]["generation"]
    installed.helm("upgrade", "inferfleet", str(CHART), "--namespace", NAMESPACE, "--reuse-values")
    assert deployment(installed)["metadata"]["generation"] == before


def test_an_upgrade_brings_the_crds_of_the_new_chart(installed: ControlPlane, tmp_path: Path) -> None:
    chart = tmp_path / "inferfleet"
    shutil.copytree(CHART, chart)
    newer = next(path for path in (chart / "files/crds").glob("*.yaml") if "gputypes" in path.read_text())
    crd = yaml.safe_load(newer.read_text())
    crd["spec"]["names"]["shortNames"].append("newer")
    newer.write_text(yaml.safe_dump(crd))
    installed.helm("upgrade", "inferfleet", str(chart), "--namespace", NAMESPACE, "--reuse-values")
    assert "kept" in eventually(lambda: installed.kubectl("get", "newer", "--ignore-not-found"), 20)


def test_every_option_at_once_is_accepted_by_the_api_server(installed: ControlPlane) -> None:
    options = ("--values", str(ALL_OPTIONS), "--set", "metrics.serviceMonitor.enabled=false")
    installed.helm("upgrade", "inferfleet", str(CHART), "--namespace", NAMESPACE, *options, "--dry-run=server")


def test_a_wrong_value_leaves_the_release_as_it_was(installed: ControlPlane) -> None:
    before = deployment(installed)["metadata"]["resourceVersion"]
    with pytest.raises(CommandFailedError, match="requierd"):
        installed.helm("upgrade", "inferfleet", str(CHART), "--namespace", NAMESPACE, "--set", "budgets.requierd=true")
    assert deployment(installed)["metadata"]["resourceVersion"] == before


def test_helm_test_waits_for_the_pod_that_asks_the_operator(installed: ControlPlane) -> None:
    """The simulated kubelet runs no container, so the test says on its behalf that the container ended well."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        outcome = pool.submit(installed.helm, "test", "inferfleet", "--namespace", NAMESPACE, "--timeout", "1m")
        eventually(lambda: running(installed, "inferfleet-test-readyz"), 30)
        succeeded = {"status": {"phase": "Succeeded"}}
        installed.objects.patch("v1", "Pod", "inferfleet-test-readyz", NAMESPACE, patch=succeeded, subresource="status")
        assert "Succeeded" in outcome.result()


def running(cluster: ControlPlane, name: str) -> bool:
    pod = cluster.objects.find("v1", "Pod", name, NAMESPACE)
    return pod is not None and pod["status"]["phase"] == "Running"


def test_uninstalling_keeps_the_kinds_and_their_objects_and_the_chart_can_come_back(installed: ControlPlane) -> None:
    installed.helm("uninstall", "inferfleet", "--namespace", NAMESPACE, "--wait", "--timeout", "2m")
    assert installed.objects.find("apps/v1", "Deployment", "inferfleet", NAMESPACE) is None
    assert installed.objects.find("rbac.authorization.k8s.io/v1", "ClusterRole", "inferfleet") is None
    assert crd_names(installed) == generated_crds()
    assert installed.objects.find("inferfleet.dev/v1alpha1", "GPUType", "kept")
    installed.helm("install", "inferfleet", str(CHART), "--namespace", NAMESPACE, "--wait", "--timeout", "2m")


def test_without_keep_uninstalling_takes_the_kinds_along(installed: ControlPlane) -> None:
    options = ("--namespace", NAMESPACE, "--wait", "--timeout", "2m")
    installed.helm("upgrade", "inferfleet", str(CHART), *options, "--set", "crds.keep=false")
    # An API server that has never listed a kind may need minutes to delete its CRD ("storage is (re)initializing").
    installed.kubectl("get", ",".join(crd_names(installed)), "--all-namespaces")
    installed.helm("uninstall", "inferfleet", *options)
    eventually(lambda: not crd_names(installed), 30)


def test_crds_that_were_applied_by_hand_are_left_to_whoever_applied_them(fresh_cluster: ControlPlane) -> None:
    before = fresh_cluster.objects.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    fresh_cluster.create_namespace(NAMESPACE)
    options = ("--namespace", NAMESPACE, "--set", "crds.enabled=false")
    fresh_cluster.helm("install", "inferfleet", str(CHART), *options)
    fresh_cluster.helm("uninstall", "inferfleet", "--namespace", NAMESPACE)
    assert fresh_cluster.objects.list("apiextensions.k8s.io/v1", "CustomResourceDefinition") == before
