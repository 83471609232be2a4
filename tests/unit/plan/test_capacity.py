"""Room in pools: whole replicas on single nodes, nodes that may come, promises that no pod has taken up."""

from dataclasses import replace

import pytest

from inferfleet.domain.demand import Bound
from inferfleet.plan import decide
from inferfleet.plan.admission.capacity import Capacity
from inferfleet.plan.candidates.sizing import replicas_for
from tests.builders import demand, holding, placed, pool, world

FRAGMENTED = pool("l40s", "nvidia-l40s-48gb", free=[1, 3, 3])


def test_a_replica_must_fit_one_node() -> None:
    capacity = Capacity(world(FRAGMENTED))
    assert [capacity.room("l40s", size) for size in (1, 2, 4)] == [7, 2, 0]


def test_nodes_that_may_still_come_count() -> None:
    capacity = Capacity(world(replace(FRAGMENTED, max_nodes=5)))
    assert capacity.room("l40s", 4) == 2


def test_a_pool_at_zero_counts_what_it_may_become() -> None:
    assert Capacity(world(pool("h100", "nvidia-h100-80gb", nodes=0, gpus_per_node=8, max_nodes=3))).room("h100", 4) == 6


def test_a_pool_without_a_limit_never_grows_beyond_its_nodes() -> None:
    assert Capacity(world(pool("h100", "nvidia-h100-80gb", nodes=1, gpus_per_node=8))).room("h100", 8) == 1


def test_a_cordoned_node_has_no_room() -> None:
    nodes = tuple(replace(node, schedulable=False) for node in FRAGMENTED.nodes)
    assert Capacity(world(replace(FRAGMENTED, nodes=nodes))).room("l40s", 1) == 0


def test_promises_fill_the_fullest_node_that_holds_them() -> None:
    capacity = Capacity(world(FRAGMENTED))
    capacity.promise("l40s", 1, 1)
    assert capacity.room("l40s", 3) == 2


def test_a_promise_without_pods_takes_room_and_a_bound_one_does_not_twice() -> None:
    where = pool("l40s", "nvidia-l40s-48gb", nodes=1)
    asking = demand()
    (first,) = decide(world(where), [asking])
    size = placed(first).gpus
    unbound = world(where, holdings=[holding(asking, first)])
    taken = pool("l40s", "nvidia-l40s-48gb", free=[4 - size])
    bound = world(taken, holdings=[holding(asking, first, [Bound(node="l40s-0", gpus=size)])])
    assert Capacity(unbound).room("l40s", 1) == Capacity(bound).room("l40s", 1) == 4 - size


def test_two_deployments_never_get_the_same_gpu() -> None:
    single = pool("l40s", "nvidia-l40s-48gb", nodes=1, gpus_per_node=1)
    decisions = decide(world(single), [demand("a"), demand("b")])
    assert [bool(decision.placements) for decision in decisions] == [True, False]


@pytest.mark.parametrize(("rate", "headroom", "each", "count"), [(4, 0.25, 5, 1), (4, 0.25, 4.9, 2), (0, 0.25, 5, 0)])
def test_replicas_carry_the_peak_with_headroom(rate: float, headroom: float, each: float, count: int) -> None:
    assert replicas_for(rate, headroom, each) == count


def test_a_replica_that_carries_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="requests_per_second"):
        replicas_for(4, 0.25, 0)


def test_two_placements_of_one_deployment_in_one_pool_do_not_share_their_pods() -> None:
    where = pool("l40s", "nvidia-l40s-48gb", nodes=2, free=[2, 4])
    asking = demand()
    (first,) = decide(world(where), [asking])
    small = replace(placed(first), replicas=2)
    large = replace(small, name="chat-2", tensor_parallel_size=2, replicas=1)
    moving = holding(asking, replace(first, placements=(large, small)), [Bound(node="l40s-0", gpus=2)])
    assert Capacity(world(where, holdings=[moving])).room("l40s", 1) == 4


def test_nodes_that_labels_or_taints_rule_out_are_counted_and_the_first_is_named() -> None:
    capacity = Capacity(
        world(replace(FRAGMENTED, left_out=("node n1 carries t4", "node n2 is spot")), pool("h100", "x"))
    )
    assert capacity.left_out("l40s") == "; 2 of its nodes are left out: node n1 carries t4"
    assert capacity.left_out("h100") == ""
