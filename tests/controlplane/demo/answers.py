"""Waits for the operator's answer to every InferenceDeployment, and checks that the world is as it should be.

In: a cluster. Out: the InferenceDeployments once each is Ready or says why a person must act; what is wrong, as
sentences. Must not know how the operator decides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.controlplane.cluster import Cluster
from tests.controlplane.demo.world import API, World
from tests.controlplane.objects import Manifest
from tests.controlplane.waiting import eventually

_ANSWER_SECONDS, _COUNT_SECONDS = 120.0, 30.0
"""How long an answer may take (it loads for 3 s and a batch takes 10 s here), and the pools' counts after it."""


def condition(item: Manifest, kind: str = "Ready") -> dict[str, str]:
    """Return one condition of an object, empty where it has none of that type."""
    found = (entry for entry in item.get("status", {}).get("conditions", ()) if entry["type"] == kind)
    return next(found, {})


def is_ready(item: Manifest) -> bool:
    """Return whether an object says Ready for its present spec."""
    ready = condition(item)
    return ready.get("status") == "True" and ready.get("observedGeneration") == item["metadata"]["generation"]


def wait_for_answers(cluster: Cluster, say: Callable[[str], None]) -> list[Manifest]:
    """Return every InferenceDeployment once each is Ready or Stalled; every change of a reason is said.

    Raises AssertionError with those that have no answer after two minutes.
    """
    told: dict[str, str] = {}

    def answered() -> list[Manifest]:
        cluster.processes.check()
        items = cluster.objects.list(API, "InferenceDeployment")
        for item in items:
            _tell(item, told, say)
        waiting = [item["metadata"]["name"] for item in items if not _is_final(item)]
        assert items, "no InferenceDeployment exists"
        assert not waiting, "; ".join(f"{name}: {told.get(name, 'no status yet')}" for name in waiting)
        return items

    return eventually(answered, _ANSWER_SECONDS, interval=0.2, describe="an answer to every InferenceDeployment")


def problems(world: World) -> list[str]:
    """Return what is not as it should be, in sentences; none means that the story is one of success."""
    cluster = world.cluster
    found = [
        f"InferenceDeployment {item['metadata']['name']} is not Ready: {_text(item)}"
        for item in cluster.objects.list(API, "InferenceDeployment")
        if not is_ready(item)
    ]
    for name, nodes in world.nodes.items():
        found += _wrong_about(f"GPUPool {name}", partial(_check_pool, cluster, name, nodes))
    for policy in cluster.objects.list(API, "BudgetPolicy"):
        name = policy["metadata"]["name"]
        found += _wrong_about(f"BudgetPolicy {name}", partial(_check_budget, cluster, name))
    return found + _misplaced(world)


def pods_of(cluster: Cluster, item: Manifest) -> list[Manifest]:
    """Return the pods of an InferenceDeployment."""
    metadata = item["metadata"]
    labels = {"inferfleet.dev/deployment": metadata["name"]}
    return cluster.objects.list("v1", "Pod", metadata["namespace"], labels=labels)


def _tell(item: Manifest, told: dict[str, str], say: Callable[[str], None]) -> None:
    name, text = item["metadata"]["name"], _text(item)
    if text and told.get(name) != text:
        told[name] = text
        say(f"{name}: {text}")


def _text(item: Manifest) -> str:
    ready = condition(item)
    return f"{ready['reason']}, {ready['message']}" if ready else ""


def _is_final(item: Manifest) -> bool:
    """Whether nothing changes any more by itself."""
    return is_ready(item) or condition(item, "Stalled").get("status") == "True"


def _wrong_about(what: str, check: Callable[[], bool]) -> list[str]:
    """Return what a check says is wrong. Counts may be a quarter of a minute old: they get the time to come right."""
    try:
        eventually(check, _COUNT_SECONDS, interval=0.2, describe=f"the right status of {what}")
    except AssertionError as error:
        return [str(error)]
    return []


def _check_pool(cluster: Cluster, name: str, nodes: list[str]) -> bool:
    pool = cluster.objects.get(API, "GPUPool", name)
    status, gpus = pool.get("status", {}), pool["spec"]["gpusPerNode"] * len(nodes)
    resource = pool["spec"].get("gpuResourceName", "nvidia.com/gpu")
    used = sum(
        _gpus(pod, resource) for pod in cluster.objects.list("v1", "Pod") if pod["spec"].get("nodeName") in nodes
    )
    assert is_ready(pool), _text(pool)
    assert status["nodes"] == len(nodes), f"{status['nodes']} nodes counted, {len(nodes)} were made"
    assert status["gpusFree"] == gpus - used, f"{status['gpusFree']} GPUs counted as free, {gpus} - {used} are"
    return True


def _check_budget(cluster: Cluster, name: str) -> bool:
    """Check that the policy counts what its workloads say that they have reserved."""
    policy = cluster.objects.get(API, "BudgetPolicy", name)
    held = {(row["namespace"], row["name"]): row["usdPerMonth"] for row in policy["status"].get("reservations", ())}
    assert is_ready(policy), _text(policy)
    for item in cluster.objects.list(API, "InferenceDeployment"):
        key = item["metadata"]["namespace"], item["metadata"]["name"]
        said = [row["reservedUSDPerMonth"] for row in item["status"].get("budgets", ()) if row["policy"] == name]
        if "traffic" in item["spec"] and said:
            assert held.get(key) == said[0], f"{key[1]} says that it holds {said[0]}, the policy {held.get(key)}"
    return True


def _gpus(pod: Manifest, resource: str) -> int:
    """Return how many devices a pod occupies; one that has ended occupies none."""
    if pod["status"].get("phase") in {"Succeeded", "Failed"}:
        return 0
    containers = [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]
    return sum(int(each.get("resources", {}).get("limits", {}).get(resource, 0)) for each in containers)


def _misplaced(world: World) -> list[str]:
    """Return the pods that run elsewhere than the status of their InferenceDeployment says."""
    found = []
    for item in world.cluster.objects.list(API, "InferenceDeployment"):
        pools = {placement["pool"] for placement in item.get("status", {}).get("placements", ())}
        allowed = {node for pool in pools for node in world.nodes.get(pool, ())}
        for pod in pods_of(world.cluster, item):
            node = pod["spec"].get("nodeName")
            if node not in allowed:
                found.append(f"Pod {pod['metadata']['name']} is on {node}, status says pool {', '.join(sorted(pools))}")
    return found
