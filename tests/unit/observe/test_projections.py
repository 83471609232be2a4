"""Raw documents to slim values: what is counted, what is kept, what is dropped."""

from __future__ import annotations

from typing import Any

import pytest

from inferfleet.domain.packing import unpack
from inferfleet.observe.project_children import child
from inferfleet.observe.project_nodes import extended, node_facts
from inferfleet.observe.project_pods import pod_facts, pod_requests

Document = dict[str, Any]


def gpus(count: int, *, where: str = "limits") -> Document:
    return {"resources": {where: {"nvidia.com/gpu": str(count), "cpu": "4"}}}


def test_only_resources_of_vendors_are_counted() -> None:
    offered = {"nvidia.com/gpu": "4", "amd.com/gpu": "0", "cpu": "64", "hugepages-2Mi": "0", "kubernetes.io/x": "1"}

    assert extended(offered) == (("nvidia.com/gpu", 4),)


def test_a_node_without_gpus_is_not_remembered() -> None:
    assert node_facts({"metadata": {"name": "a"}, "status": {"allocatable": {"cpu": "4"}}}) is None


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [([], True), ([{"type": "Ready", "status": "True"}], True), ([{"type": "Ready", "status": "Unknown"}], False)],
)
def test_a_node_is_ready_unless_its_kubelet_says_otherwise(conditions: list[Document], ready: bool) -> None:
    node = node_facts(
        {"metadata": {"name": "a"}, "status": {"allocatable": {"nvidia.com/gpu": "1"}, "conditions": conditions}}
    )

    assert node is not None
    assert node.ready is ready


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ({"containers": [gpus(2), gpus(1)]}, 3),
        ({"containers": [gpus(2, where="requests")]}, 2),
        ({"containers": [gpus(1)], "initContainers": [gpus(4)]}, 4),
        ({"containers": [gpus(1)], "initContainers": [{**gpus(2), "restartPolicy": "Always"}]}, 3),
        ({"containers": [gpus(1)], "initContainers": [{**gpus(2), "restartPolicy": "Always"}, gpus(3)]}, 5),
    ],
    ids=["sum", "requests", "init", "sidecar", "init-beside-sidecar"],
)
def test_a_pod_is_charged_as_the_scheduler_charges_it(spec: Document, count: int) -> None:
    assert pod_requests(spec) == (("nvidia.com/gpu", count),)


def test_a_pod_that_concerns_nobody_is_not_remembered() -> None:
    assert pod_facts({"metadata": {"name": "web", "namespace": "n"}, "spec": {"containers": [{}]}}) is None


def test_a_finished_pod_occupies_no_node() -> None:
    pod = pod_facts(
        {
            "metadata": {"name": "a", "namespace": "n"},
            "spec": {"nodeName": "node", "containers": [gpus(1)]},
            "status": {"phase": "Succeeded"},
        }
    )

    assert pod is not None
    assert not pod.occupies_node


def test_a_pod_says_why_it_has_no_node_and_since_when() -> None:
    waiting = {
        "type": "PodScheduled",
        "status": "False",
        "message": "0/3 nodes are available",
        "lastTransitionTime": "2026-11-01T00:00:00Z",
    }
    pod = pod_facts(
        {
            "metadata": {"name": "a", "namespace": "n", "labels": {"inferfleet.dev/deployment": "chat"}},
            "spec": {"containers": [gpus(1)]},
            "status": {"conditions": [waiting]},
        }
    )

    assert pod is not None
    assert pod.unscheduled == "0/3 nodes are available"
    assert pod.unscheduled_since is not None
    assert not pod.stuck


def test_a_pod_at_a_gate_is_stuck() -> None:
    gated = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "non-empty gates"}
    metadata = {"name": "a", "namespace": "n", "labels": {"inferfleet.dev/deployment": "chat"}}

    pod = pod_facts({"metadata": metadata, "spec": {"containers": [gpus(1)]}, "status": {"conditions": [gated]}})

    assert pod is not None
    assert pod.stuck


def deployment(**metadata: Any) -> Document:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "namespace": "n",
            "name": "chat",
            "uid": "u",
            "resourceVersion": "7",
            "labels": {"inferfleet.dev/deployment": "chat"},
            "annotations": {"inferfleet.dev/manifest-hash": "abc", "deployment.kubernetes.io/revision": "1"},
            "ownerReferences": [{"uid": "owner", "controller": True}, {"uid": "other"}],
            "managedFields": [{"manager": "somebody"}],
            **metadata,
        },
        "spec": {"replicas": 2},
        "status": {"readyReplicas": 1},
    }


def test_a_child_names_its_controlling_owner_and_what_was_rendered() -> None:
    found = child(deployment())

    assert (found.owner, found.manifest_hash, found.ready_replicas) == ("owner", "abc", 1)
    assert unpack(found.content)["spec"] == {"replicas": 2}


def test_bookkeeping_of_the_server_does_not_count_as_a_change() -> None:
    before = child(deployment())
    after = child(
        deployment(
            resourceVersion="8",
            managedFields=[],
            annotations={"inferfleet.dev/manifest-hash": "abc", "deployment.kubernetes.io/revision": "2"},
        )
    )

    assert after == before
