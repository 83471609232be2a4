"""Whether a pod waits for a node, or for something that no node brings; messages as kube-scheduler 1.36 writes them."""

import pytest

from inferfleet.observe.scheduler_words import waits_for_a_node

PREEMPTION = " preemption: 0/9 nodes are available: 9 Preemption is not helpful for scheduling."


@pytest.mark.parametrize(
    "message",
    [
        "0/9 nodes are available: 2 Insufficient nvidia.com/gpu, 7 node(s) didn't match Pod's node affinity/selector.",
        "0/3 nodes are available: 1 node(s) had untolerated taint {sku: vision}, 2 Too many pods.",
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) were unschedulable.",
        "0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [NodeAffinity].",
        "no nodes available to schedule pods",
        "0/3 nodes are available",
        "",
    ],
)
def test_gpus_taints_and_affinity_are_about_nodes(message: str) -> None:
    assert waits_for_a_node("Unschedulable", message + PREEMPTION if message else "")


@pytest.mark.parametrize(
    "message",
    [
        '0/9 nodes are available: persistentvolumeclaim "models" not found.',
        "0/9 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
        "0/9 nodes are available: 1 node(s) had volume node affinity conflict, 8 Insufficient nvidia.com/gpu.",
        "0/9 nodes are available: 2 node(s) didn't find available persistent volumes to bind, 7 Too many pods.",
        "0/9 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 8 Too many pods.",
    ],
)
def test_volumes_and_ports_are_not(message: str) -> None:
    assert not waits_for_a_node("Unschedulable", message + PREEMPTION)


@pytest.mark.parametrize("reason", ["SchedulingGated", "SchedulerError"])
def test_gates_and_errors_are_not_whatever_they_say(reason: str) -> None:
    assert not waits_for_a_node(reason, "Scheduling is blocked due to non-empty scheduling gates")
