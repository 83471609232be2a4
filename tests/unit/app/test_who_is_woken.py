"""News wakes those whom it concerns, and nobody else: prices, nodes that flap, pools."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from inferfleet.app.enqueue import Enqueuer
from inferfleet.domain.keys import Key, Kind
from inferfleet.domain.resources import CHILD_OF_KIND
from inferfleet.observe.store import Store
from inferfleet.runtime.queue import KeyedQueue
from tests.builders import PROFILE_CONFIG

Document = dict[str, Any]
EVERYBODY = {"in-a", "could-a", "in-b", "waits"}


def key(name: str) -> Key:
    return Key(Kind.INFERENCE_DEPLOYMENT, "team", name)


class Place:
    """A store with four deployments and two pools, and what is woken by what happens to it."""

    def __init__(self) -> None:
        self.store, self.queue = Store(), KeyedQueue[Key]()
        self.enqueuer = Enqueuer(self.store, self.queue, on_touched=lambda _key: None, on_removed=lambda _item: None)
        self._version = 0
        for name in sorted(EVERYBODY):
            self.put("deployments", "InferenceDeployment", name, deployment(), namespace="team")
        self.pool("pool-a", usdPerGPUHour="2.00")
        self.pool("pool-b")
        self.gpu_type("2.00")
        self.node(ready=True)
        for name, pools, priced in (
            ("in-a", {"pool-a"}, set[str]()),
            ("could-a", set[str](), {"pool-a"}),
            ("in-b", {"pool-b"}, {"pool-b"}),
            ("waits", set[str](), set[str]()),
        ):
            self.enqueuer.decided(key(name), waiting=name == "waits", pools=frozenset(pools), priced=frozenset(priced))
        self.store.listen(self.enqueuer)

    def put(self, table: str, kind: str, name: str, body: Document, *, namespace: str = "") -> None:
        self._version += 1
        metadata = {"name": name, "namespace": namespace, "uid": name, "resourceVersion": str(self._version)}
        version = "v1" if kind == "Node" else "inferfleet.dev/v1alpha1"
        labels = {"metadata": metadata | body.get("metadata", {})}
        getattr(self.store, table).put({"apiVersion": version, "kind": kind, **body, **labels})

    def pool(self, name: str, **change: Any) -> None:
        spec = {
            "gpuType": "acme-gpu-64gb",
            "gpusPerNode": 4,
            "capacityType": "OnDemand",
            "nodeSelector": {"pool": name},
            **change,
        }
        self.put("pools", "GPUPool", name, {"spec": spec})

    def gpu_type(self, usd: str, **change: Any) -> None:
        price = {"capacityType": "OnDemand", "usdPerGPUHour": usd, "source": "list", "date": "2026-11-01"}
        spec = {
            "product": "Acme",
            "memoryMiB": 65536,
            "memoryBandwidthGBps": 1000,
            "denseTFLOPS": {"bf16": "300"},
            "computeCapability": "9.0",
            "interconnect": "PCIe",
            "labels": [{"key": "nvidia.com/gpu.product", "value": "Acme"}],
            "prices": [price],
            **change,
        }
        self.put("gpu_types", "GPUType", "acme-gpu-64gb", {"spec": spec})

    def node(self, *, ready: bool) -> None:
        status = {
            "allocatable": {"nvidia.com/gpu": "4"},
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        }
        self.put("nodes", "Node", "node-1", {"metadata": {"labels": {"pool": "pool-a"}}, "spec": {}, "status": status})

    def job(self, *, ended: bool) -> None:
        labels = {"inferfleet.dev/deployment": "in-b"}
        conditions = [{"type": "Complete", "status": "True"}] if ended else []
        self._version += 1
        metadata = {"name": "in-b", "namespace": "team", "uid": "job", "resourceVersion": str(self._version)}
        document = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata | {"labels": labels}}
        self.store.children[CHILD_OF_KIND["Job"]].put(document | {"status": {"conditions": conditions}})

    def pod_leaves(self) -> None:
        """A pod of `in-b` comes to a node and goes, which wakes others only when it goes."""
        engine = {"name": "engine", "resources": {"limits": {"nvidia.com/gpu": "1"}}}
        labels = {"metadata": {"labels": {"inferfleet.dev/deployment": "in-b"}}}
        body = {"spec": {"nodeName": "node-1", "containers": [engine]}, **labels}
        self.put("pods", "Pod", "in-b-1", {**body, "status": {"phase": "Running"}}, namespace="team")
        self.put("pods", "Pod", "in-b-1", {**body, "status": {"phase": "Succeeded"}}, namespace="team")

    def policy(self) -> None:
        spec = {"namespaceSelector": {"matchLabels": {"team": "a"}}, "usdPerMonth": "1000"}
        self.put("policies", "BudgetPolicy", "team-a", {"spec": spec})

    def profile(self) -> None:
        self.put("profiles", "ModelProfile", "acme", {"spec": {"id": "acme/model", "config": PROFILE_CONFIG}})

    def namespace(self, **labels: str) -> None:
        self._version += 1
        metadata = {"name": "other", "uid": "other", "resourceVersion": str(self._version), "labels": labels}
        self.store.namespaces.put({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    async def woken(self) -> list[Key]:
        """Every key that waits once the news was gathered, with repetition if any was taken twice."""
        keys = await self.queue.take(limit=100, idle=0.3, longest=1.0)
        for key in keys:
            self.queue.done(key)
        return keys


def deployment() -> Document:
    return {
        "spec": {
            "model": {"id": "acme/model"},
            "workload": {"class": "RealTime"},
            "traffic": {"requestsPerSecond": "1", "inputTokens": 100, "outputTokens": 100},
        }
    }


def after(change: Callable[[Place], object]) -> set[str]:
    """The names that a change wakes."""

    async def run() -> list[Key]:
        place = Place()
        change(place)
        return await place.woken()

    return {woken.name for woken in asyncio.run(run())}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda place: place.pool("pool-a", usdPerGPUHour="1.90"), {"in-a", "could-a"}),
        (lambda place: place.gpu_type("1.90"), {"in-b"}),
        (lambda place: place.pool("pool-a", usdPerGPUHour="2.00", region="eu-west-1"), None),
        (lambda place: place.pool("pool-a", usdPerGPUHour="1.90", region="eu-west-1"), None),
        (lambda place: place.gpu_type("2.00", memoryMiB=60000), None),
        (lambda place: place.node(ready=False), {"in-a", "waits"}),
        (lambda place: place.job(ended=False), {"in-b"}),
        (lambda place: place.job(ended=True), {"in-b", "waits"}),
        (lambda place: place.namespace(team="a"), {"waits"}),
        (lambda place: place.pod_leaves(), {"in-b", "waits"}),
        (lambda place: place.pool("pool-c"), None),
        (lambda place: place.policy(), None),
        (lambda place: place.profile(), None),
    ],
    ids=[
        "price of a pool",
        "price of a type",
        "region",
        "price and region",
        "memory",
        "node",
        "a job",
        "a job that ended",
        "a namespace",
        "a pod that leaves",
        "a new pool",
        "a policy",
        "a profile",
    ],
)
def test_a_change_wakes_those_whom_it_concerns(change: Callable[[Place], object], names: set[str] | None) -> None:
    assert after(change) == (names or EVERYBODY)


def test_a_price_that_stays_wakes_nobody() -> None:
    async def run() -> int:
        place = Place()
        place.pool("pool-a", usdPerGPUHour="2.00")
        await asyncio.sleep(0)
        return len(place.queue)

    assert asyncio.run(run()) == 0


def test_a_flapping_node_costs_one_round_however_often_it_flaps() -> None:
    """A hundred changes within one gathering time lead to one decision for each of those concerned."""

    async def run() -> tuple[int, list[Key]]:
        place = Place()
        for flap in range(100):
            place.node(ready=bool(flap % 2))
        return place.queue.added, await place.woken()

    added, keys = asyncio.run(run())
    assert (added, sorted(keys)) == (0, [key("in-a"), key("waits")])
