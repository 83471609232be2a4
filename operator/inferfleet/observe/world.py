"""The world that decisions are made on, from typed objects and facts; the same for the operator and for files.

In: objects of our kinds, node facts, GPU use per node, holdings. Out: a `World`, and one `Demand` per
InferenceDeployment. Pure: the caller brings everything, in any order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from inferfleet.api.v1alpha1 import BudgetPolicy, GPUPool
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.observed import LabelSet, NodeFacts
from inferfleet.domain.world import Policy, UnreadablePolicy, World
from inferfleet.observe.catalog import Catalog
from inferfleet.observe.objects import InferenceDeploymentObject, Platform, Unreadable
from inferfleet.observe.pools import counted_once, pool_of
from inferfleet.observe.used_gpus import Used


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Everything a world is made of. `nodes` None: the nodes are not known (files without any).

    `calibrations` are those of engines; what model profiles promote comes with the `catalog`.
    """

    catalog: Catalog
    pools: Iterable[Platform[GPUPool]] = ()
    policies: Iterable[Platform[BudgetPolicy]] = ()
    nodes: Iterable[NodeFacts] | None = None
    used: Used = field(default_factory=dict)
    holdings: Mapping[str, Holding] = field(default_factory=dict)
    budgets_required: bool = False
    calibrations: tuple[Calibration, ...] = ()


def build_world(sources: Sources) -> World:
    """Return the world; unreadable pools are left out (their status says why), unreadable policies block."""
    nodes = None if sources.nodes is None else tuple(sources.nodes)
    pools = [
        pool_of(item.content, catalog=sources.catalog, nodes=nodes, used=sources.used, price_date=item.price_date)
        for item in sources.pools
        if not isinstance(item.content, Unreadable)
    ]
    policies, unreadable = read_policies(sources.policies)
    return World(
        pools=counted_once(pools),
        policies=policies,
        unreadable_policies=unreadable,
        holdings=sources.holdings,
        budgets_required=sources.budgets_required,
        calibrations=(*sources.calibrations, *sources.catalog.promoted),
    )


def read_policies(items: Iterable[Platform[BudgetPolicy]]) -> tuple[tuple[Policy, ...], tuple[UnreadablePolicy, ...]]:
    """Sort policies into those that were understood and those that were not, each by name."""
    understood, unreadable = [], []
    for item in items:
        if isinstance(item.content, Unreadable):
            unreadable.append(UnreadablePolicy(name=item.name, message=item.content.message, selector=item.selector))
        else:
            understood.append(Policy(name=item.name, spec=item.content.spec))
    return (
        tuple(sorted(understood, key=lambda policy: policy.name)),
        tuple(sorted(unreadable, key=lambda policy: policy.name)),
    )


def demand_of(
    item: InferenceDeploymentObject,
    *,
    catalog: Catalog,
    namespace_labels: LabelSet,
    first_refused: datetime | None = None,
) -> Demand | Unreadable:
    """Return what a deployment asks for, or what is wrong with it."""
    if isinstance(item.content, Unreadable):
        return item.content
    return Demand(
        uid=item.uid or f"{item.namespace}/{item.name}",
        namespace=item.namespace,
        name=item.name,
        spec=item.content,
        model=catalog.model(item.content.model),
        namespace_labels=tuple(sorted(namespace_labels)),
        generation=item.generation,
        created=item.created,
        first_refused=first_refused,
    )
