"""Devices that pods use, by node: added up at once, or pod by pod as they come and go."""

from inferfleet.domain.observed import PodFacts
from inferfleet.observe.used_gpus import count_pod, used_gpus
from tests.builders import pod_facts


def pod(name: str, node: str = "n1", *, gpus: int = 2, phase: str = "Running") -> PodFacts:
    requests = (("nvidia.com/gpu", gpus),) if gpus else ()
    return pod_facts(uid=name, name=name, node=node, requests=requests, phase=phase)


RUNNING = (pod("a"), pod("b", gpus=1), pod("c", "n2"))
IDLE = (pod("d", node=""), pod("e", phase="Succeeded"), pod("f", "n3", gpus=0))


def test_bound_pods_that_are_not_over_use_what_they_request() -> None:
    assert used_gpus((*RUNNING, *IDLE)) == {"n1": {"nvidia.com/gpu": 3}, "n2": {"nvidia.com/gpu": 2}}


def test_pods_that_come_and_go_leave_nothing_behind() -> None:
    used = used_gpus(RUNNING)
    for gone in RUNNING:
        count_pod(used, gone, -1)
    assert used == {}
