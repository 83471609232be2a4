"""Control planes start apart from each other, survive restarts, enforce rights, and leave nothing behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.controlplane import ApiError, Cluster, CommandFailedError, ControlPlane, Objects, eventually
from tests.controlplane.hardware import L4
from tests.controlplane.nodes import Pool, scale_pool

ROOT = Path(__file__).parents[3]

START_AND_WAIT = """
import json, signal
from tests.controlplane import ControlPlane
running = ControlPlane.start()
print(json.dumps([running.processes.process_ids(), str(running.directory)]), flush=True)
signal.pause()
"""


def config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}}


def test_a_service_account_may_do_nothing_that_it_was_not_granted(cluster: Cluster, namespace: str) -> None:
    kubeconfig = cluster.kubeconfig_for_service_account(namespace, "default")
    with pytest.raises(ApiError, match="403 Forbidden"):
        Objects(kubeconfig).list("v1", "Node")


def test_a_service_account_may_do_what_it_was_granted(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "role", "reader", "--verb=list", "--resource=pods", "-n", namespace)
    cluster.kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:default", "-n", namespace
    )
    objects = Objects(cluster.kubeconfig_for_service_account(namespace, "default"))
    assert eventually(lambda: objects.list("v1", "Pod", namespace) == [])


def test_kubectl_says_what_went_wrong(cluster: Cluster) -> None:
    with pytest.raises(CommandFailedError, match='pods "absent" not found'):
        cluster.kubectl("get", "pod", "absent")


def test_helm_reaches_the_cluster(cluster: Cluster, namespace: str) -> None:
    assert cluster.helm("list", "-n", namespace, "-o", "json").strip() == "[]"


def test_the_ambient_kubeconfig_is_not_used(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonexistent/production")
    assert "default" in cluster.kubectl("get", "namespaces", "-o", "name")


def test_two_control_planes_share_neither_objects_nor_pod_addresses(
    cluster: Cluster, module_cluster: ControlPlane
) -> None:
    module_cluster.objects.apply(config_map("only-here"))
    assert cluster.objects.find("v1", "ConfigMap", "only-here", "default") is None
    if isinstance(cluster, ControlPlane):
        assert cluster.network.block != module_cluster.network.block


def test_objects_survive_a_restart_of_the_api_server(module_cluster: ControlPlane) -> None:
    module_cluster.objects.apply(config_map("kept"))
    module_cluster.restart_apiserver()
    assert module_cluster.objects.get("v1", "ConfigMap", "kept", "default")["metadata"]["name"] == "kept"


def test_nodes_become_ready_after_a_restart_of_the_api_server(module_cluster: ControlPlane) -> None:
    module_cluster.restart_apiserver()
    assert scale_pool(module_cluster, Pool(name="after-restart", gpu=L4), 1) == ["after-restart-0"]


def test_a_watch_from_a_forgotten_version_ends_with_410(module_cluster: ControlPlane) -> None:
    old = module_cluster.objects.apply(config_map("old"))["metadata"]["resourceVersion"]
    module_cluster.expire_watches()
    query = {"watch": "1", "resourceVersion": old, "timeoutSeconds": "5"}
    event = module_cluster.objects.request("GET", "/api/v1/namespaces/default/configmaps", query=query)
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_a_paused_api_server_answers_again_when_it_is_resumed(module_cluster: ControlPlane) -> None:
    module_cluster.pause_apiserver()
    module_cluster.resume_apiserver()
    assert module_cluster.objects.request("GET", "/readyz")["text"] == "ok"


def test_a_stopped_control_plane_leaves_neither_processes_nor_files() -> None:
    with ControlPlane.start() as running:
        process_ids = running.processes.process_ids().values()
    assert not [each for each in process_ids if psutil.pid_exists(each)]
    assert not running.directory.exists()


def test_a_killed_parent_leaves_neither_processes_nor_files() -> None:
    command = [sys.executable, "-c", START_AND_WAIT]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        process_ids, directory = json.loads(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    eventually(lambda: not [each for each in process_ids.values() if psutil.pid_exists(each)])
    eventually(lambda: not Path(directory).exists())


def test_the_writes_of_a_service_account_are_counted_by_resource(module_cluster: ControlPlane) -> None:
    module_cluster.kubectl(
        "create", "clusterrolebinding", "writer", "--clusterrole=edit", "--serviceaccount=default:default"
    )
    objects = Objects(module_cluster.kubeconfig_for_service_account("default", "default"))
    position = module_cluster.audit_position()
    eventually(lambda: objects.apply(config_map("counted")))
    writes = module_cluster.writes(user="system:serviceaccount:default:default", after=position)
    assert [(write.verb, write.target) for write in writes if write.status < 400] == [("patch", "configmaps")]
