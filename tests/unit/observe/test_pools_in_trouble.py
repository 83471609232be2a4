"""Pools that do not match their nodes: counted once, left out and named, never guessed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from inferfleet.api.objects import parse_as
from inferfleet.api.v1alpha1 import GPUPool, GPUPoolStatus
from inferfleet.domain.observed import NodeFacts
from inferfleet.domain.world import World
from inferfleet.observe.catalog import Catalog
from inferfleet.observe.custom import gpu_pool
from inferfleet.observe.pools import objection
from inferfleet.observe.world import Sources, build_world
from inferfleet.plan import decide
from inferfleet.plan.stock import Stock
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
    assert Stock(where).room("b", 4) == 1


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
    assert Stock(where).room("a", 1) == 4
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
    assert Stock(where).room("a", 1) == 0


def test_whole_gpus_beside_slices_are_used() -> None:
    sliced = {"nvidia.com/gpu.product": "NVIDIA-L40S-MIG-1g.12gb", "nvidia.com/gpu.memory": "12000"}
    assert Stock(seen(document("a"), nodes=[node("n1", L40S), node("n2", sliced)])).room("a", 1) == 4


def test_without_a_memory_label_the_type_says_how_much_there_is() -> None:
    where = seen(document("a"), nodes=[node("n1", {"nvidia.com/gpu.product": "NVIDIA-L40S"})])
    (decision,) = decide(where, [demand()])
    assert (where.pools[0].memory_mib, placed(decision).pool) == (None, "a")


def test_without_any_label_the_pool_has_the_word() -> None:
    where = seen(document("a"), nodes=[node("n1", {})])
    assert Stock(where).room("a", 1) == 4


def test_nodes_of_different_sizes_hold_what_each_can_hold() -> None:
    where = seen(document("a", gpusPerNode=8), nodes=[node("n1", L40S, gpus=8), node("n2", L40S, gpus=4)])
    assert [Stock(where).room("a", size) for size in (1, 4, 8)] == [12, 3, 1]


def test_a_node_without_devices_has_no_room() -> None:
    assert Stock(seen(document("a"), nodes=[node("n1", L40S, resource="amd.com/gpu")])).room("a", 1) == 0
