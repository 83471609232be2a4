"""Pools that do not match their nodes: counted once, left out and named, never guessed."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from inferfleet.api.objects import parse_as
from inferfleet.api.v1alpha1 import GPUPool, GPUPoolStatus
from inferfleet.domain.observed import NodeFacts, Taint
from inferfleet.domain.world import World
from inferfleet.observe.catalog import Catalog
from inferfleet.observe.objects import gpu_pool
from inferfleet.observe.pools import objection
from inferfleet.observe.world import Sources, build_world
from inferfleet.plan import decide
from inferfleet.plan.admission.capacity import Capacity
from inferfleet.report.platform_status import pool_status
from tests.builders import demand, placed

L40S = {"nvidia.com/gpu.product": "NVIDIA-L40S", "nvidia.com/gpu.memory": "46068"}
A100 = {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB", "nvidia.com/gpu.memory": "81920"}
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CATALOG = Catalog()


def node(name: str, labels: dict[str, str], *, gpus: int = 4, resource: str = "nvidia.com/gpu") -> NodeFacts:
    return NodeFacts(
        name=name,
        uid=name,
        labels=frozenset({"pool": "gpu", **labels}.items()),
        allocatable=((resource, gpus),),
        ready=True,
        cordoned=False,
    )


def document(name: str, **change: Any) -> dict[str, Any]:
    spec = {
        "gpuType": "nvidia-l40s-48gb",
        "gpusPerNode": 4,
        "capacityType": "OnDemand",
        "nodeSelector": {"pool": "gpu"},
        "usdPerGPUHour": "1.60",
        **change,
    }
    return {"apiVersion": "inferfleet.dev/v1alpha1", "kind": "GPUPool", "metadata": {"name": name}, "spec": spec}


def seen(*pools: dict[str, Any], nodes: list[NodeFacts]) -> World:
    return build_world(Sources(catalog=CATALOG, pools=[gpu_pool(item) for item in pools], nodes=nodes))


def ready(where: World, name: str, nodes: list[NodeFacts]) -> tuple[str, str]:
    """Reason and message of the pool's Ready condition."""
    pool = next(item for item in where.pools if item.name == name)
    item = parse_as(GPUPool, document(name))
    left_out = tuple(text for each in nodes if (text := objection(each, item, CATALOG)))
    status = pool_status(GPUPoolStatus(), pool, detected=(), left_out=left_out, promised=0, generation=1, now=NOW)
    return status.conditions[0].reason, status.conditions[0].message


def test_a_node_that_two_pools_select_is_counted_in_the_first() -> None:
    nodes = [node("n1", L40S), node("n2", L40S)]
    where = seen(document("b"), document("a"), nodes=nodes)
    assert [(pool.name, len(pool.nodes)) for pool in where.pools] == [("a", 2), ("b", 0)]
    assert ready(where, "a", nodes)[0] == "Understood"
    assert ready(where, "b", nodes) == ("NodesShared", "spec.nodeSelector also selects n1, n2, counted in a")


def test_the_second_pool_may_not_grow_by_what_the_first_has() -> None:
    where = seen(document("a"), document("b", maxNodes=3), nodes=[node("n1", L40S), node("n2", L40S)])
    assert Capacity(where).room("b", 4) == 1


def test_pools_that_are_told_apart_share_nothing() -> None:
    first, second = node("n1", L40S | {"zone": "1"}), node("n2", L40S | {"zone": "2"})
    pools = [document(name, nodeSelector={"zone": zone}) for name, zone in (("a", "1"), ("b", "2"))]
    assert [pool.counted_elsewhere for pool in seen(*pools, nodes=[first, second]).pools] == [None, None]


def test_a_pool_whose_nodes_carry_another_gpu_is_not_used_and_says_so() -> None:
    nodes = [node("n1", A100)]
    where = seen(document("a"), nodes=nodes)
    (decision,) = decide(where, [demand()])
    assert decision.placements == ()
    assert ready(where, "a", nodes) == (
        "GPUTypeMismatch",
        "spec.gpuType says nvidia-l40s-48gb, but the nodes carry nvidia-a100-80gb",
    )


def test_a_single_node_with_another_gpu_is_left_out_and_named() -> None:
    nodes = [node("n1", L40S), node("n2", A100)]
    where = seen(document("a"), nodes=nodes)
    assert Capacity(where).room("a", 1) == 4
    assert ready(where, "a", nodes) == ("GPUTypeMismatch", "nodes are left out: node n2 carries nvidia-a100-80gb")


@pytest.mark.parametrize(
    "sliced",
    [
        {"nvidia.com/gpu.product": "NVIDIA-L40S-MIG-1g.12gb", "nvidia.com/gpu.memory": "12000"},
        {"nvidia.com/gpu.product": "NVIDIA-L40S-SHARED", "nvidia.com/gpu.memory": "46068"},
        {**L40S, "nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.sharing-strategy": "time-slicing"},
    ],
    ids=["MIG slices", "renamed by sharing", "time-slicing"],
)
def test_slices_and_shares_of_gpus_are_never_planned_on(sliced: dict[str, str]) -> None:
    where = seen(document("a"), nodes=[node("n1", sliced, gpus=16)])
    (decision,) = decide(where, [demand()])
    assert decision.placements == ()
    assert Capacity(where).room("a", 1) == 0


def test_whole_gpus_beside_slices_are_used() -> None:
    sliced = {"nvidia.com/gpu.product": "NVIDIA-L40S-MIG-1g.12gb", "nvidia.com/gpu.memory": "12000"}
    assert Capacity(seen(document("a"), nodes=[node("n1", L40S), node("n2", sliced)])).room("a", 1) == 4


AKS_SPOT = Taint(key="kubernetes.azure.com/scalesetpriority", value="spot", effect="NoSchedule")
DEDICATED = Taint(key="dedicated", value="vision", effect="NoSchedule")


def test_what_pods_tolerate_by_themselves_is_room() -> None:
    tainted = replace(node("n1", L40S), taints=(AKS_SPOT, Taint(key="nvidia.com/gpu", value="", effect="NoSchedule")))
    assert Capacity(seen(document("a", capacityType="Spot"), nodes=[tainted])).room("a", 1) == 4


def test_a_taint_of_the_gpu_resource_is_no_room_where_the_pool_tolerates_another_value_of_it() -> None:
    tainted = replace(node("n1", L40S), taints=(Taint(key="nvidia.com/gpu", value="here", effect="NoSchedule"),))
    pool = document("a", tolerations=[{"key": "nvidia.com/gpu", "operator": "Equal", "value": "there"}])
    assert Capacity(seen(pool, nodes=[tainted])).room("a", 1) == 0


@pytest.mark.parametrize(
    "mark",
    [
        ("karpenter.sh/capacity-type", "spot"),
        ("eks.amazonaws.com/capacityType", "SPOT"),
        ("cloud.google.com/gke-spot", "true"),
        ("kubernetes.azure.com/scalesetpriority", "spot"),
    ],
)
def test_a_spot_node_is_no_room_in_an_on_demand_pool_and_is_named(mark: tuple[str, str]) -> None:
    nodes = [node("n1", L40S), node("n2", L40S | dict([mark]))]
    where = seen(document("a"), nodes=nodes)
    label = "=".join(mark)
    words = f"nodes are left out: node n2 is spot ({label}), and the pool's capacityType is OnDemand"
    assert (Capacity(where).room("a", 1), ready(where, "a", nodes)[1]) == (4, words)


def test_a_spot_node_is_room_where_the_pool_selects_it_by_that_label() -> None:
    spot = {"karpenter.sh/capacity-type": "spot"}
    where = seen(document("a", nodeSelector=spot), nodes=[node("n1", L40S | spot)])
    assert Capacity(where).room("a", 1) == 4


SHARED = {**L40S, "nvidia.com/gpu.replicas": "4", "nvidia.com/gpu.sharing-strategy": "time-slicing"}
SLICED = {"nvidia.com/gpu.product": "NVIDIA-L40S-MIG-1g.12gb", "nvidia.com/gpu.memory": "12000"}


@pytest.mark.parametrize(
    ("labels", "avoided"),
    [
        (A100, ("nvidia.com/gpu.product", ("NVIDIA-A100-SXM4-80GB",))),
        (SHARED, ("nvidia.com/gpu.sharing-strategy", ("time-slicing",))),
        (SLICED, ("nvidia.com/gpu.product", ("NVIDIA-L40S-MIG-1g.12gb",))),
        ({**L40S, "nvidia.com/gpu.memory": "24000"}, ("nvidia.com/gpu.memory", ("24000",))),
    ],
    ids=["another product", "time-slicing", "MIG slices", "another memory size"],
)
def test_pods_keep_off_nodes_with_other_gpus_by_the_label_that_tells_them_apart(
    labels: dict[str, str], avoided: tuple[str, tuple[str, ...]]
) -> None:
    (pool,) = seen(document("a"), nodes=[node("n1", L40S), node("n2", labels)]).pools
    assert pool.avoided == (avoided,)


@pytest.mark.parametrize(
    "others",
    [[], [node("n2", A100, resource="amd.com/gpu")], [node("n2", {"karpenter.sh/capacity-type": "spot"})]],
    ids=["none", "without such devices", "spot, which is kept off anyway"],
)
def test_pods_keep_off_nothing_where_no_node_asks_for_it(others: list[NodeFacts]) -> None:
    (pool,) = seen(document("a"), nodes=[node("n1", L40S), *others]).pools
    assert pool.avoided == ()


def test_pods_of_a_pool_without_a_single_right_node_are_left_as_they_are() -> None:
    (pool,) = seen(document("a"), nodes=[node("n1", A100)]).pools
    assert pool.avoided == ()


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (node("n2", A100), "node n2 carries nvidia-a100-80gb"),
        (node("n2", SHARED), "node n2 shares its GPUs between pods"),
        (node("n2", SLICED), "node n2 hands out slices of its GPUs (1g.12gb)"),
        (
            replace(node("n2", L40S), taints=(DEDICATED,)),
            "node n2 has the taint dedicated=vision:NoSchedule, not in spec.tolerations",
        ),
    ],
    ids=["another GPU", "shared", "sliced", "tainted"],
)
def test_a_pool_says_which_nodes_labels_or_taints_rule_out(odd: NodeFacts, words: str) -> None:
    (pool,) = seen(document("a"), nodes=[node("n1", L40S), odd]).pools
    assert pool.left_out == (words,)


def test_a_node_that_is_only_cordoned_is_not_ruled_out() -> None:
    cordon = Taint(key="node.kubernetes.io/unschedulable", value="", effect="NoSchedule")
    (pool,) = seen(document("a"), nodes=[replace(node("n1", L40S), cordoned=True, taints=(cordon,))]).pools
    assert pool.left_out == ()


def test_without_a_memory_label_the_type_says_how_much_there_is() -> None:
    where = seen(document("a"), nodes=[node("n1", {"nvidia.com/gpu.product": "NVIDIA-L40S"})])
    (decision,) = decide(where, [demand()])
    assert (where.pools[0].memory_mib, placed(decision).pool) == (None, "a")


def test_without_any_label_the_pool_has_the_word() -> None:
    where = seen(document("a"), nodes=[node("n1", {})])
    assert Capacity(where).room("a", 1) == 4


def test_nodes_of_different_sizes_hold_what_each_can_hold() -> None:
    where = seen(document("a", gpusPerNode=8), nodes=[node("n1", L40S, gpus=8), node("n2", L40S, gpus=4)])
    assert [Capacity(where).room("a", size) for size in (1, 4, 8)] == [12, 3, 1]


def test_a_node_without_devices_has_no_room() -> None:
    assert Capacity(seen(document("a"), nodes=[node("n1", L40S, resource="amd.com/gpu")])).room("a", 1) == 0
