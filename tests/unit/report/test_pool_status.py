"""What the status of a pool says of its GPUs: the arithmetic of the plan."""

from dataclasses import replace

from inferfleet.domain.demand import Bound
from inferfleet.plan import decide
from inferfleet.plan.admission.capacity import Capacity
from inferfleet.report.platform_status import promised_gpus
from tests.builders import demand, holding, placed, pool, world

L40S = pool("l40s", "nvidia-l40s-48gb", nodes=1, gpus_per_node=8)
OTHER = pool("other", "nvidia-l40s-48gb")
(DECISION,) = decide(world(L40S), [demand()])
SMALL = replace(placed(DECISION), replicas=2)
LARGE = replace(SMALL, name="chat-2", tensor_parallel_size=2, replicas=2)


def test_promised_gpus_are_those_that_the_plan_does_not_give_again() -> None:
    for bound in range(7):
        where = replace(L40S, nodes=tuple(replace(node, free=node.gpus - bound) for node in L40S.nodes))
        moving = replace(holding(demand(), DECISION, [Bound(node="l40s-0", gpus=bound)]), placements=(LARGE, SMALL))
        here = world(where, OTHER, holdings=[moving])
        free = sum(node.free for node in where.nodes)
        assert free - promised_gpus(here, where) == Capacity(here).room("l40s", 1)
        assert promised_gpus(here, OTHER) == 0
