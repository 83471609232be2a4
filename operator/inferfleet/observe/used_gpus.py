"""The devices that pods request on each node.

In: pods. Out: requested devices by node and resource name. Only bound pods that are not over count, as for the
scheduler.
"""

from collections.abc import Iterable, Mapping

from inferfleet.domain.observed import PodFacts

Used = Mapping[str, Mapping[str, int]]
"""Requested devices by node and resource name."""


def used_gpus(pods: Iterable[PodFacts]) -> dict[str, dict[str, int]]:
    """Add up what all these pods request."""
    used: dict[str, dict[str, int]] = {}
    for pod in pods:
        count_pod(used, pod, +1)
    return used


def count_pod(used: dict[str, dict[str, int]], pod: PodFacts, times: int) -> None:
    """Add what a pod requests (1), or take it away (-1); nodes of which nothing is used are left out."""
    if not pod.occupies_node:
        return
    on_node = used.setdefault(pod.node, {})
    for resource, count in pod.requests:
        on_node[resource] = on_node.get(resource, 0) + times * count
    if not any(on_node.values()):
        del used[pod.node]
