"""What a deployment holds: placements that stay or drain, and the replicas that no pod has taken up yet."""

from dataclasses import replace
from typing import Any

from inferfleet.api.enums import Role
from inferfleet.domain.demand import Bound, Holding
from inferfleet.domain.placement import Placement, draining, staying
from inferfleet.plan import decide
from tests.builders import demand, holding, placed, pool, world

L40S = pool("l40s", "nvidia-l40s-48gb")
POOL_OF_NODE = {"l40s-0": "l40s", "l40s-1": "l40s"}
(DECISION,) = decide(world(L40S), [demand()])
ONE_GPU = replace(placed(DECISION), name="small", replicas=2)
TWO_GPUS = replace(ONE_GPU, name="large", replicas=1, tensor_parallel_size=2)
LEAVING = replace(ONE_GPU, role=Role.DRAINING)


def held(*placements: Placement, gpus: int = 0, node: str = "l40s-0", **change: Any) -> Holding:
    bound = [Bound(node=node, gpus=gpus)] if gpus else []
    return replace(holding(demand(), DECISION, bound), placements=placements, **change)


def unbound(holding: Holding) -> dict[str, int]:
    return {placement.name: missing for placement, missing in holding.unbound(POOL_OF_NODE)}


def test_placements_stay_unless_they_drain() -> None:
    assert staying((TWO_GPUS, LEAVING)) == (TWO_GPUS,)
    assert draining((TWO_GPUS, LEAVING)) == (LEAVING,)


def test_replicas_without_pods_are_unbound() -> None:
    assert unbound(held(ONE_GPU)) == {"small": 2}


def test_bound_gpus_are_no_longer_promised() -> None:
    assert unbound(held(ONE_GPU, gpus=1)) == {"small": 1}


def test_pods_on_nodes_of_no_pool_take_up_no_promise() -> None:
    assert unbound(held(ONE_GPU, gpus=2, node="elsewhere")) == {"small": 2}


def test_what_leaves_has_its_pods_before_its_successor() -> None:
    assert unbound(held(TWO_GPUS, LEAVING, gpus=2)) == {"large": 1, "small": 0}


def test_a_replica_is_taken_up_as_a_whole() -> None:
    assert unbound(held(TWO_GPUS, gpus=1)) == {"large": 1}


def test_a_batch_that_ended_is_promised_nothing() -> None:
    assert unbound(held(ONE_GPU, finished=True)) == {}
