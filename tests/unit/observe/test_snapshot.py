"""What deployments hold, as the planner sees it: from admission until their pods are gone."""

from decimal import Decimal
from typing import Any

from inferfleet.api.reasons import ReadyReason
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand
from inferfleet.domain.keys import Key, Kind
from inferfleet.domain.money import RunRate, Total
from inferfleet.domain.observed import Child, PodFacts
from inferfleet.observe.changes import Change
from inferfleet.observe.objects import InferenceDeploymentObject
from inferfleet.observe.snapshot import Snapshots
from inferfleet.observe.store import Store
from inferfleet.plan import decide
from tests.builders import BATCH, REAL_TIME, demand, merged, pool, world

Document = dict[str, Any]
KEY = Key(Kind.INFERENCE_DEPLOYMENT, "team-a", "chat")
STATUS: dict[str, Any] = {
    "placements": [
        {
            "name": "chat", "gpuType": "nvidia-l40s-48gb", "tensorParallelSize": 1, "pool": "l40s",
            "capacityType": "OnDemand", "replicas": 1, "readyReplicas": 1, "role": "Base",
        }
    ],
    "cost": {"usdPerHour": "1.00", "usdPerMonth": "730.00"},
    "conditions": [
        {
            "type": "Planned", "status": "True", "reason": "Decided", "message": "", "observedGeneration": 1,
            "lastTransitionTime": "2026-11-01T00:00:00Z",
        }
    ],
}  # fmt: skip


class OnlySnapshots:
    """Passes on to the snapshots what concerns them; nobody is woken."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    def deployment_changed(self, change: Change[InferenceDeploymentObject]) -> None:
        old, new = change.old, change.new
        if old is not None and (new is None or new.uid != old.uid):
            self._snapshots.removed(old)
        if new is not None:
            self._snapshots.touched(new.key)

    def child_changed(self, change: Change[Child]) -> None:
        for child in change.values:
            self._snapshots.touched(child.key)

    def pod_changed(self, change: Change[PodFacts]) -> None:
        for pod in change.values:
            if pod.deployment:
                self._snapshots.touched(pod.key)

    def nobody(self, change: Change[Any]) -> None:
        """Everything else concerns no snapshot: tables say themselves how often they changed."""

    node_changed = namespace_changed = pool_changed = gpu_type_changed = profile_changed = policy_changed = nobody


class Cluster:
    """A store with one pool of one node, a budget of 1000 USD, and documents as they arrive."""

    def __init__(self) -> None:
        self.store = Store()
        self.snapshots = Snapshots(self.store, budgets_required=False)
        self.store.listen(OnlySnapshots(self.snapshots))
        self._version = 0
        labels = {"eks.amazonaws.com/nodegroup": "l40s"}
        self.put("namespaces", "Namespace", "team-a", labels={"team": "a"})
        self.put("nodes", "Node", "node-1", labels=labels, status={"allocatable": {"nvidia.com/gpu": "4"}})
        pool = {
            "gpuType": "nvidia-l40s-48gb", "gpusPerNode": 4, "capacityType": "OnDemand", "nodeSelector": labels,
            "usdPerGPUHour": "1.00",
        }  # fmt: skip
        self.put("pools", "GPUPool", "l40s", spec=pool)
        budget = {"namespaceSelector": {"matchLabels": {"team": "a"}}, "usdPerMonth": "1000"}
        self.put("policies", "BudgetPolicy", "team-a", spec=budget)

    def put(
        self,
        table: str,
        kind: str,
        name: str,
        *,
        namespace: str = "",
        labels: Any = None,
        generation: int = 1,
        **body: Any,
    ) -> Document:
        self._version += 1
        ours = kind in ("GPUPool", "BudgetPolicy", "InferenceDeployment")
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "generation": generation,
            "labels": labels or {},
        }
        document = {
            "apiVersion": "inferfleet.dev/v1alpha1" if ours else "v1",
            "kind": kind,
            "metadata": metadata | {"resourceVersion": str(self._version)},
            **body,
        }
        getattr(self.store, table).put(document)
        return document

    def deployment(self, name: str, *, status: Document | None = None, generation: int = 1, **spec: Any) -> Document:
        spec = merged(REAL_TIME, {"replicas": 1, "placement": {"maxTensorParallelSize": 1}} | spec)
        return self.put(
            "deployments", "InferenceDeployment", name, namespace="team-a", generation=generation, spec=spec,
            status=status or {},
        )  # fmt: skip

    def pod(self, name: str, **devices: str) -> Document:
        limits = {"nvidia.com/gpu": "1"} | devices
        return self.put(
            "pods", "Pod", name, namespace="team-a", labels={"inferfleet.dev/deployment": "chat"},
            spec={"nodeName": "node-1", "containers": [{"name": "engine", "resources": {"limits": limits}}]},
            status={"phase": "Running"},
        )  # fmt: skip

    def delete(self, table: str, document: Document) -> None:
        self._version += 1
        metadata = document["metadata"] | {"resourceVersion": str(self._version)}
        getattr(self.store, table).delete(document | {"metadata": metadata})

    def decide(self, name: str) -> Decision:
        item = self.store.deployments.get(KEY._replace(name=name))
        assert item is not None
        demand = self.snapshots.demand(item)
        assert isinstance(demand, Demand)
        (decision,) = decide(self.snapshots.world(), [demand])
        return decision


def test_money_of_a_deleted_deployment_is_free_only_when_its_pods_are_gone() -> None:
    cluster = Cluster()
    chat, pod = cluster.deployment("chat", status=STATUS), cluster.pod("chat-1")
    cluster.deployment("next")
    held = cluster.decide("next").blocked

    cluster.delete("deployments", chat)
    draining = cluster.decide("next").blocked
    cluster.delete("pods", pod)

    assert (held, draining) == (ReadyReason.OVER_BUDGET, ReadyReason.OVER_BUDGET)
    assert cluster.decide("next").blocked is None


def test_pods_whose_deployment_went_while_nobody_looked_are_still_paid_for() -> None:
    cluster = Cluster()
    cluster.pod("chat-1")
    cluster.deployment("next")

    assert cluster.decide("next").blocked is ReadyReason.OVER_BUDGET


def test_a_batch_that_nobody_looked_at_before_it_was_deleted_keeps_its_total_and_category() -> None:
    """As on a standby that takes over while the pods of a deleted batch end."""
    cluster = Cluster()
    status = STATUS | {"cost": {"usdTotal": "0.09"}}
    night = cluster.put("deployments", "InferenceDeployment", "chat", namespace="team-a", spec=BATCH, status=status)
    cluster.pod("chat-1")

    cluster.delete("deployments", night)

    (left,) = cluster.snapshots.holdings().values()
    assert (left.workload_class, left.category, left.forecast) == ("Batch", "Experimentation", Total(Decimal("0.09")))


def test_a_batch_that_is_suspended_keeps_no_forecast() -> None:
    cluster, night = Cluster(), demand("night", base=BATCH)
    where = world(pool("l40s", "nvidia-l40s-48gb", usd="1.00"))
    suspended = demand("night", base=BATCH, replicas=0)

    (admitted,), (stopped,) = decide(where, [night]), decide(where, [suspended])
    cluster.snapshots.assume(night, admitted)
    cluster.snapshots.assume(suspended, stopped)

    (held,) = cluster.snapshots.world().holdings.values()
    assert held.forecast is None


def test_devices_that_a_webhook_put_into_a_pod_are_not_gpus() -> None:
    cluster = Cluster()
    cluster.deployment("chat", status=STATUS)
    cluster.pod("chat-1", **{"vpc.amazonaws.com/pod-eni": "1"})

    (holding,) = cluster.snapshots.holdings().values()

    assert [bound.gpus for bound in holding.bound] == [1]
    assert RunRate.sum(placement.run_rate for placement in holding.placements) == RunRate(Decimal(1))


def test_a_reserve_is_held_for_the_spec_that_was_admitted_and_not_for_a_newer_one() -> None:
    cluster, bounds = Cluster(), {"maxReplicas": 3, "reserve": "Max"}
    cluster.deployment("chat", status=STATUS, scaling=bounds)
    (admitted,) = cluster.snapshots.holdings().values()

    cluster.deployment("chat", status=STATUS, scaling=bounds | {"maxReplicas": 50}, generation=2)
    (newer,) = cluster.snapshots.holdings().values()

    assert (admitted.reserved_replicas, newer.reserved_replicas) == (3, 0)
    assert cluster.decide("chat").blocked is ReadyReason.OVER_BUDGET
