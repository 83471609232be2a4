"""Immutable snapshots of the store for the planner, and what every deployment holds at this moment.

In: the store, and reservations that were decided but are not stored yet. Out: a `World` and `Demand`s. What is costly
to work out is remembered until something it depends on changes. Must not decide and must not do I/O.
"""

from collections.abc import Callable
from datetime import datetime

from inferfleet.api.conditions import find_condition
from inferfleet.api.reasons import ConditionType, ReadyReason
from inferfleet.api.v1alpha1 import GPUPool
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.gpu import Price
from inferfleet.domain.keys import Key, NamespacedName
from inferfleet.domain.world import World
from inferfleet.observe.catalog import Catalog, HubLookup
from inferfleet.observe.holdings import holding_of, left_behind, merged, reserved_replicas
from inferfleet.observe.objects import InferenceDeploymentObject, Parsed, Platform, Unreadable
from inferfleet.observe.pools import price_of
from inferfleet.observe.store import Store
from inferfleet.observe.table import Table
from inferfleet.observe.world import Sources, build_world, demand_of

# A refusal for one of these keeps its place in the queue by the time at which it began.
_WAITED_FOR = (ReadyReason.NO_CAPACITY, ReadyReason.OVER_BUDGET)


class Snapshots:
    """See the module."""

    def __init__(
        self,
        store: Store,
        *,
        budgets_required: bool,
        hub_lookup: HubLookup | None = None,
        calibrations: Callable[[], tuple[Calibration, ...]] = tuple,
    ) -> None:
        """Read from this store; `hub_lookup` may know other models, `calibrations` returns those in force."""
        self._store = store
        self._budgets_required = budgets_required
        self._hub_lookup = hub_lookup
        self._calibrations = calibrations
        self._catalog = Catalog(hub_lookup=hub_lookup)
        self._catalog_of: tuple[int, int] | None = None
        self._holdings: dict[str, Holding] = {}
        self._left_behind: dict[Key, Holding] = {}
        self._stale: set[Key] = set()
        self._prices_of: tuple[int, int] | None = None
        self._prices: dict[str, Price | None] = {}
        self._assumed: dict[str, Holding] = {}

    def touched(self, key: Key) -> None:
        """Forget what was worked out about one deployment: it, a child or a pod of it changed."""
        self._stale.add(key)

    def removed(self, item: InferenceDeploymentObject) -> None:
        """Forget a deployment that is gone, but for what its pods occupy until they are gone too.

        What it was is read off the object as well: who does not lead, or was quicker than the next decision, has not
        looked at it.
        """
        known, assumed = self._holdings.pop(item.uid, None), self._assumed.pop(item.uid, None)
        former = known or assumed or self._holding_of(item)
        if former is not None:
            self._left_behind[item.key] = former
        self._stale.add(item.key)

    def assume(self, demand: Demand, decision: Decision) -> None:
        """Count a decision as held from now on, until its reservation is stored (`settled`)."""
        chosen, former = decision.chosen, self._assumed.get(demand.uid) or self._holdings.get(demand.uid)
        forecast = chosen.total if chosen else None
        refused = decision.blocked is not None
        workload = demand.spec.workload
        self._assumed[demand.uid] = Holding(
            uid=demand.uid,
            namespace=demand.namespace,
            name=demand.name,
            workload_class=workload.workload_class,
            category=former.category if former and refused else workload.category,
            priority=workload.priority,
            namespace_labels=demand.namespace_labels,
            placements=decision.placements,
            forecast=former.forecast if former and forecast is None and decision.placements else forecast,
            history=decision.history,
            generation=demand.generation if decision.blocked is None else None,
            reserved_replicas=reserved_replicas(demand.spec) if decision.blocked is None else 0,
        )

    def forget_assumed(self) -> None:
        """Forget what was decided in an earlier leadership term: somebody else may have led since."""
        self._assumed.clear()

    def settled(self, uid: str) -> None:
        """Say that the stored status says what was assumed."""
        self._assumed.pop(uid, None)

    def catalog(self) -> Catalog:
        """Return GPU types and models as of now."""
        revisions = (self._store.gpu_types.revision, self._store.profiles.revision)
        if revisions != self._catalog_of:
            self._catalog = Catalog(
                _readable(self._store.gpu_types), _readable(self._store.profiles), hub_lookup=self._hub_lookup
            )
            self._catalog_of = revisions
        return self._catalog

    def world(self) -> World:
        """Return everything that decisions depend on, as of now."""
        store = self._store
        return build_world(
            Sources(
                catalog=self.catalog(),
                pools=store.pools.values(),
                policies=store.policies.values(),
                nodes=store.nodes.values(),
                used=store.used,
                holdings=merged(self.holdings(), self._assumed),
                budgets_required=self._budgets_required,
                calibrations=self._calibrations(),
            )
        )

    def holdings(self) -> dict[str, Holding]:
        """Return what is held according to what was observed, by UID."""
        self._refresh_prices()
        for key in self._stale:
            item = self._store.deployments.get(key)
            if item is None:
                self._refresh_left_behind(key)
                continue
            self._left_behind.pop(key, None)  # pods of a namesake count as its successor's
            holding = self._holding_of(item)
            if holding is None:
                self._holdings.pop(item.uid, None)
            else:
                self._holdings[item.uid] = holding
        self._stale.clear()
        return self._holdings | {holding.uid: holding for holding in self._left_behind.values()}

    def _holding_of(self, item: InferenceDeploymentObject) -> Holding | None:
        return holding_of(
            item,
            children=self._store.children_of(item.key).values(),
            pods=self._store.pods_of(item.key),
            price_of=self._prices.get,
            namespace_labels=self._store.namespace_labels(item.namespace),
        )

    def _refresh_left_behind(self, key: Key) -> None:
        """Look at the pods of a deployment that is gone, or was never known."""
        former = self._left_behind.pop(key, None)
        labels = self._store.namespace_labels(key.namespace)
        found = left_behind(key, former, pods=self._store.pods_of(key), namespace_labels=labels)
        if found is not None:
            self._left_behind[key] = found

    def demand(self, item: InferenceDeploymentObject) -> Demand | Unreadable:
        """Return what a deployment asks for."""
        return demand_of(
            item,
            catalog=self.catalog(),
            namespace_labels=self._store.namespace_labels(item.namespace),
            first_refused=_first_refused(item),
        )

    def _refresh_prices(self) -> None:
        """Prices of pools are part of every holding."""
        revisions = (self._store.pools.revision, self._store.gpu_types.revision)
        if revisions == self._prices_of:
            return
        self._prices_of = revisions
        self._prices = {pool.name: _price(pool, self.catalog()) for pool in self._store.pools.values()}
        self._stale.update(self._store.deployments.keys())


def _price(item: Platform[GPUPool], catalog: Catalog) -> Price | None:
    if isinstance(item.content, Unreadable):
        return None
    return price_of(item.content, catalog.gpu(item.content.spec.gpu_type), item.price_date)


def _first_refused(item: InferenceDeploymentObject) -> datetime | None:
    """Since when the stored status says that GPUs or money are lacking, and nothing else before it.

    Ready keeps its time when only its reason changes. Planned is Unknown while the spec or the model is not understood
    and False from the first plan that found too little, so the later of the two times is when waiting began.
    """
    conditions = item.read_status().conditions
    ready = find_condition(conditions, ConditionType.READY)
    if ready is None or ready.status == "True" or ready.reason not in _WAITED_FOR:
        return None
    planned = find_condition(conditions, ConditionType.PLANNED)
    times = [found.last_transition_time for found in (ready, planned) if found and found.last_transition_time]
    return max(times, default=None)


def _readable(table: Table[NamespacedName, Platform[Parsed]]) -> list[Parsed]:
    return [item.content for item in table.values() if not isinstance(item.content, Unreadable)]
