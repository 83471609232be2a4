"""The operator's decision for one deployment, made again, with what runs of it.

In: what was read of the cluster. Out: an `Explanation`. World and demands come from the operator's own snapshots, and
all deployments are decided together, because they compete for the same GPUs and dollars.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from inferfleet.api.v1alpha1 import InferenceDeploymentStatus
from inferfleet.cli.cluster import ClusterReading
from inferfleet.cli.exit import BadInput
from inferfleet.cli.planning import Plan, plan_all
from inferfleet.cli.what_if import Changes, apply_changes
from inferfleet.domain.demand import Demand
from inferfleet.domain.keys import Key
from inferfleet.domain.observed import Child, PodFacts
from inferfleet.observe.catalog import HubLookup
from inferfleet.observe.objects import InferenceDeploymentObject, Unreadable
from inferfleet.observe.snapshot import Snapshots

PREFIXES = ("infd", "inferencedeployment", "inferencedeployments", "inferencedeployments.inferfleet.dev")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """The settings of the installed operator that decisions depend on and no object of the cluster states."""

    worker_image: str
    budgets_required: bool
    hub_lookup: HubLookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One deployment as it is stored, the decision, and what runs.

    `plan` is None for a spec that cannot be read; `problem` then says why.
    """

    item: InferenceDeploymentObject
    status: InferenceDeploymentStatus
    plan: Plan | None
    problem: str | None
    children: tuple[Child, ...]
    pods: tuple[PodFacts, ...]


def name_of(target: str) -> str:
    """Return the name in `infd/NAME` or `NAME`. Raises `BadInput` for another kind."""
    kind, slash, name = target.rpartition("/")
    if not name or (slash and kind.casefold() not in PREFIXES):
        raise BadInput(f"{target}: must be infd/NAME, the name of an InferenceDeployment")
    return name


def explain_one(reading: ClusterReading, key: Key, *, changes: Changes, installed: Installed) -> Explanation:
    """Decide for everything that was read, as changed, and pick one.

    Raises `BadInput` when there is no such deployment, or no such thing to change.
    """
    store = reading.store
    item = store.deployments.get(key)
    if item is None:
        names = sorted(one.name for one in store.deployments.values() if one.namespace == key.namespace)
        raise BadInput(f"infd/{key.name}: is not in namespace {key.namespace}; there are: {', '.join(names) or 'none'}")
    snapshots = Snapshots(
        store,
        budgets_required=installed.budgets_required,
        hub_lookup=installed.hub_lookup,
        calibrations=lambda: reading.calibrations,
    )
    world = snapshots.world()
    live = [one for one in store.deployments.values() if not one.deleting or one.key == key]
    asked = {one.key: snapshots.demand(one) for one in live}
    demands = [demand for demand in asked.values() if isinstance(demand, Demand)]
    world, changed = apply_changes(world, demands, changes)
    plans = plan_all(world, changed, worker_image=installed.worker_image, now=datetime.now(UTC))
    wanted = asked[key]
    children = store.children_of(key)
    return Explanation(
        item=item,
        status=item.read_status(),
        plan=next((plan for plan in plans if plan.demand.key == key), None),
        problem=wanted.message if isinstance(wanted, Unreadable) else None,
        children=tuple(children[identity] for identity in sorted(children)),
        pods=store.pods_of(key),
    )
