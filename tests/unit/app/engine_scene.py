"""One decided deployment in a store, with its Deployment as rendered and pods as a ReplicaSet would make them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import orjson

from inferfleet.app.calibration.subjects import Subject, subjects_of
from inferfleet.app.planner import Decided
from inferfleet.domain.demand import Demand
from inferfleet.domain.keys import Key, Kind
from inferfleet.domain.placement import Placement
from inferfleet.domain.resources import CHILD_OF_KIND
from inferfleet.domain.world import World
from inferfleet.observe.store import Store
from inferfleet.plan import decide
from inferfleet.render import RenderFacts, render
from tests.builders import demand, placed, pool, world

KEY = Key(Kind.INFERENCE_DEPLOYMENT, "team-a", "chat")


@dataclass
class Scene:
    """See the module."""

    demand: Demand = field(default_factory=lambda: demand(engine={"maxModelLen": 8192}))
    world: World = field(default_factory=lambda: world(pool("l40s-od", "nvidia-l40s-48gb")))
    store: Store = field(default_factory=Store)
    versions: int = 0

    def __post_init__(self) -> None:
        (self.decision,) = decide(self.world, [self.demand])
        pools = {pool.name: pool for pool in self.world.pools}
        self.decided = Decided(
            uid=self.demand.uid, generation=1, decision=self.decision, demand=self.demand, pools=pools
        )
        manifests = render(self.demand, self.decision, pools, RenderFacts(worker_image=""))
        (body,) = (manifest.body for manifest in manifests if manifest.kind == "Deployment")
        self.deployment: dict[str, Any] = orjson.loads(orjson.dumps(body))
        self.deployment["metadata"] |= {
            "namespace": KEY.namespace,
            "uid": "deployment",
            "ownerReferences": [{"controller": True, "uid": self.demand.uid}],
        }
        self.put_deployment()

    @property
    def placement(self) -> Placement:
        return placed(self.decision)

    def put_deployment(self) -> None:
        self.store.children[CHILD_OF_KIND["Deployment"]].put(self._versioned(self.deployment))

    def put_pod(self, name: str = "chat-1", *, status: dict[str, Any] | None = None, **change: Any) -> None:
        """A pod of the present template; `change` replaces parts of its engine container."""
        template = deepcopy(self.deployment["spec"]["template"])
        template["spec"]["containers"][0] |= change
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **template["metadata"],
                "name": name,
                "namespace": KEY.namespace,
                "uid": f"uid-{name}",
                "ownerReferences": [{"controller": True, "uid": "set", "name": "chat-abc"}],
            },
            "spec": template["spec"],
            "status": status or RUNNING,
        }
        self.store.pods.put(self._versioned(pod))

    def subjects(self) -> tuple[Subject, ...]:
        return subjects_of(self.store, KEY, self.decided)

    def _versioned(self, document: dict[str, Any]) -> dict[str, Any]:
        self.versions += 1
        document["metadata"]["resourceVersion"] = str(self.versions)
        return deepcopy(document)


RUNNING: dict[str, Any] = {
    "phase": "Running",
    "podIP": "10.0.0.1",
    "conditions": [{"type": "Ready", "status": "True"}],
    "containerStatuses": [{"name": "engine", "ready": True}],
}


def ended(message: str, *, restarts: int = 1) -> dict[str, Any]:
    """A pod whose engine ended with this termination message and waits to be started again."""
    terminated = {"exitCode": 1, "reason": "Error", "message": message}
    return {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [
            {
                "name": "engine",
                "ready": False,
                "restartCount": restarts,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": terminated},
            }
        ],
    }
