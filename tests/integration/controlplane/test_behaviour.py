"""Pods misbehave as they do on real GPU nodes, chosen by the label that the operator puts on them."""

from __future__ import annotations

import contextlib
from typing import Any

from tests.controlplane import ApiError, Cluster, eventually
from tests.controlplane.behaviour import (
    CUDA_OUT_OF_MEMORY,
    Behaviour,
    behave,
    complete,
    cuda_out_of_memory,
    fail,
    image_pull_failure,
    slow_start,
)
from tests.controlplane.logs import write_log
from tests.controlplane.objects import Manifest
from tests.integration.controlplane.conftest import Workload


def started_pod(cluster: Cluster, namespace: str) -> Manifest:
    (pod,) = cluster.objects.list("v1", "Pod", namespace)
    assert pod["status"].get("startTime"), "the pod has not begun"
    return pod


def status_under(cluster: Cluster, namespace: str, workload: dict[str, Any], behaviour: Behaviour) -> dict[str, Any]:
    with behave(cluster, behaviour, namespace=namespace, deployment="chat"):
        cluster.objects.create(workload)
        pod = eventually(lambda: started_pod(cluster, namespace))
    status: dict[str, Any] = pod["status"]
    return status


def ready(status: dict[str, Any]) -> str:
    return next(str(entry["status"]) for entry in status["conditions"] if entry["type"] == "Ready")


def test_an_engine_out_of_gpu_memory_shows_torchs_termination_message(
    cluster: Cluster, namespace: str, serving: Workload
) -> None:
    status = status_under(cluster, namespace, serving(), cuda_out_of_memory())
    assert status["containerStatuses"][0]["lastState"]["terminated"]["message"] == CUDA_OUT_OF_MEMORY


def test_a_crashing_engine_waits_in_back_off(cluster: Cluster, namespace: str, serving: Workload) -> None:
    status = status_under(cluster, namespace, serving(), cuda_out_of_memory())
    assert status["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"


def test_an_image_that_cannot_be_pulled_keeps_the_pod_pending(
    cluster: Cluster, namespace: str, serving: Workload
) -> None:
    status = status_under(cluster, namespace, serving(), image_pull_failure("manifest for engine:1 not found"))
    waiting = status["containerStatuses"][0]["state"]["waiting"]
    assert (status["phase"], waiting["reason"]) == ("Pending", "ErrImagePull")


def test_a_slow_engine_runs_before_it_is_ready(cluster: Cluster, namespace: str, serving: Workload) -> None:
    status = status_under(cluster, namespace, serving(), slow_start(seconds=600))
    assert (status["phase"], ready(status)) == ("Running", "False")


def test_a_slow_engine_becomes_ready_in_the_end(cluster: Cluster, namespace: str, serving: Workload) -> None:
    with behave(cluster, slow_start(seconds=0.2), namespace=namespace, deployment="chat"):
        cluster.objects.create(serving())
        eventually(lambda: ready(started_pod(cluster, namespace)["status"]) == "True")


def test_a_behaviour_leaves_other_namespaces_alone(cluster: Cluster, namespace: str, serving: Workload) -> None:
    with behave(cluster, cuda_out_of_memory(), namespace="another", deployment="chat"):
        cluster.objects.create(serving())
        eventually(lambda: ready(started_pod(cluster, namespace)["status"]) == "True")


def test_the_log_of_a_simulated_engine_can_be_read(cluster: Cluster, namespace: str, serving: Workload) -> None:
    cluster.objects.create(serving())
    pod = eventually(lambda: started_pod(cluster, namespace))["metadata"]["name"]
    write_log(cluster, namespace, pod, "Model loading took 14.99 GiB")

    def log() -> str:
        path = cluster.objects.path("v1", "Pod", namespace, pod) + "/log"
        with contextlib.suppress(ApiError):
            return str(cluster.objects.request("GET", path, query={"container": "engine"})["text"])
        return ""

    assert "14.99 GiB" in eventually(log)


def test_the_sidecar_of_a_job_has_started_and_its_worker_runs(
    cluster: Cluster, namespace: str, batch: Workload
) -> None:
    cluster.objects.create(batch())
    status = eventually(lambda: started_pod(cluster, namespace))["status"]
    assert [entry["started"] for entry in status["initContainerStatuses"] + status["containerStatuses"]] == [True, True]


def test_a_job_completes_when_its_worker_does(cluster: Cluster, namespace: str, batch: Workload) -> None:
    with behave(cluster, complete(after_seconds=0.1), namespace=namespace, deployment="chat"):
        cluster.objects.create(batch())
        eventually(lambda: cluster.objects.get("batch/v1", "Job", "chat", namespace)["status"].get("succeeded") == 1)


def test_a_job_fails_with_its_workers_exit_code(cluster: Cluster, namespace: str, batch: Workload) -> None:
    with behave(cluster, fail(exit_code=3, message="bad input"), namespace=namespace, deployment="chat"):
        cluster.objects.create(batch())
        eventually(lambda: cluster.objects.get("batch/v1", "Job", "chat", namespace)["status"].get("failed") == 1)
        status = started_pod(cluster, namespace)["status"]
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
