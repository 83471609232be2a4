"""Whether a service counts as ready while its Deployments follow: growth never ends it, a new template does.

Deployments come as their controller and the API server write them, one version after the other.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inferfleet.api.conditions import Condition
from inferfleet.api.enums import Role
from inferfleet.api.v1alpha1 import InferenceDeploymentStatus
from inferfleet.domain.decision import Decision
from inferfleet.domain.keys import Key, Kind
from inferfleet.domain.resources import CHILD_OF_KIND
from inferfleet.observe.store import Store
from inferfleet.report.observation import RESERVED_ONLY, UP_TO_DATE, Observation
from inferfleet.report.status import change, status
from tests.unit.report.test_status import EMPTY, condition, observation

KEY = Key(Kind.INFERENCE_DEPLOYMENT, "team-a", "chat")
OLD, NEW = "vllm:1", "vllm:2"


def counts(replicas: int, *, updated: int | None = None, ready: int | None = None) -> dict[str, int]:
    """The counts of a Deployment's status; unless said otherwise all pods are new and ready."""
    return {
        "replicas": replicas,
        "updatedReplicas": replicas if updated is None else updated,
        "readyReplicas": replicas if ready is None else ready,
    }


class Cluster:
    """The Deployments of one owner: `write` changes a spec as clients do, `look` a status as the controller does."""

    def __init__(self) -> None:
        self._store = Store()
        self._version = 0
        self._documents: dict[str, dict[str, Any]] = {}

    def write(self, name: str = "chat", *, replicas: int, image: str = OLD) -> None:
        pod = {"containers": [{"name": "engine", "image": image, "command": ["vllm", "serve"]}]}
        known = self._documents.get(name, {"metadata": {"generation": 0}, "status": {}})
        self._documents[name] = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "namespace": "team-a",
                "name": name,
                "uid": name,
                "generation": known["metadata"]["generation"] + 1,
                "labels": {"inferfleet.dev/deployment": "chat"},
            },
            "spec": {"replicas": replicas, "template": {"spec": pod}},
            "status": known["status"],
        }
        self._take(name)

    def look(self, numbers: dict[str, int], name: str = "chat") -> None:
        document = self._documents[name]
        document["status"] = {"observedGeneration": document["metadata"]["generation"], **numbers}
        self._take(name)

    def forget(self) -> None:
        """Begin anew, as an operator that restarts: only the newest versions are known."""
        self._store = Store()
        for name in self._documents:
            self._take(name)

    def seen(self, **facts: Any) -> Observation:
        return replace(observation(), children=self._store.children_of(KEY), **facts)

    def report(self, before: InferenceDeploymentStatus = EMPTY, **facts: Any) -> InferenceDeploymentStatus:
        return status("chat", before, self.seen(**facts))

    def _take(self, name: str) -> None:
        self._version += 1
        self._documents[name]["metadata"]["resourceVersion"] = str(self._version)
        self._store.children[CHILD_OF_KIND["Deployment"]].put(self._documents[name])


@pytest.fixture
def cluster() -> Cluster:
    """A service of one replica that runs."""
    built = Cluster()
    built.write(replicas=1)
    built.look(counts(1))
    return built


def answer(item: InferenceDeploymentStatus) -> tuple[str, str]:
    ready: Condition = condition(item)
    return str(ready.status), ready.reason


SERVING, PROGRESSING = ("True", "Serving"), ("False", "Progressing")


def test_growth_that_the_controller_has_not_seen_leaves_the_service_ready(cluster: Cluster) -> None:
    cluster.write(replicas=3)
    assert answer(cluster.report()) == SERVING


def test_growth_whose_pods_start_leaves_the_service_ready(cluster: Cluster) -> None:
    cluster.write(replicas=3)
    cluster.look(counts(3, ready=1))
    assert answer(cluster.report()) == SERVING


def test_shrinking_leaves_the_service_ready(cluster: Cluster) -> None:
    cluster.write(replicas=3)
    cluster.look(counts(3))
    cluster.write(replicas=1)
    assert answer(cluster.report()) == SERVING
    cluster.look(counts(1))
    assert answer(cluster.report()) == SERVING


def test_an_autoscaler_that_scales_step_by_step_leaves_the_service_ready(cluster: Cluster) -> None:
    for replicas in (2, 3, 4):
        cluster.write(replicas=replicas)
        assert answer(cluster.report()) == SERVING
    cluster.look(counts(4, ready=1))
    assert answer(cluster.report()) == SERVING


def test_a_new_template_is_rolled_out_before_the_service_counts_as_ready_again(cluster: Cluster) -> None:
    cluster.write(replicas=1, image=NEW)
    assert answer(cluster.report()) == PROGRESSING, "the controller has not seen it"
    cluster.look(counts(2, updated=1))
    assert answer(cluster.report()) == PROGRESSING, "an old pod is left"
    cluster.look(counts(1))
    assert answer(cluster.report()) == SERVING


def test_growth_upon_a_template_that_nobody_has_seen_does_not_hide_it(cluster: Cluster) -> None:
    cluster.write(replicas=1, image=NEW)
    cluster.write(replicas=2, image=NEW)
    assert answer(cluster.report()) == PROGRESSING


def test_growth_while_a_template_is_rolled_out_changes_nothing(cluster: Cluster) -> None:
    cluster.write(replicas=1, image=NEW)
    cluster.look(counts(2, updated=1))
    cluster.write(replicas=4, image=NEW)
    assert answer(cluster.report()) == PROGRESSING


def test_after_a_restart_a_change_that_the_controller_has_not_seen_may_be_a_new_template(cluster: Cluster) -> None:
    cluster.write(replicas=2)
    cluster.forget()
    assert answer(cluster.report()) == PROGRESSING
    cluster.look(counts(2, ready=1))
    assert answer(cluster.report()) == SERVING


def test_too_few_ready_replicas_are_no_service_however_the_growth_goes(cluster: Cluster) -> None:
    cluster.look(counts(1, ready=0))
    cluster.write(replicas=3)
    assert answer(cluster.report()) == PROGRESSING


def two_places(role: Role) -> Decision:
    """The decision with a second placement beside the first, which has this role."""
    decision = observation().decision
    (first,) = decision.placements
    return replace(decision, placements=(replace(first, role=role), replace(first, name="chat-b")))


def test_a_second_placement_that_joins_leaves_the_service_ready(cluster: Cluster) -> None:
    cluster.write("chat-b", replicas=1)
    assert answer(cluster.report(decision=two_places(Role.BASE))) == SERVING


def test_a_first_placement_that_nobody_has_seen_is_no_service() -> None:
    cluster = Cluster()
    cluster.write(replicas=1)
    assert answer(cluster.report()) == PROGRESSING


def test_what_moves_is_served_by_what_it_leaves_and_then_by_its_successor(cluster: Cluster) -> None:
    moving = two_places(Role.DRAINING)
    assert answer(cluster.report(decision=moving)) == SERVING
    cluster.write("chat-b", replicas=1, image=NEW)
    cluster.look(counts(1, ready=0), "chat-b")
    assert answer(cluster.report(decision=moving)) == SERVING
    cluster.look(counts(1), "chat-b")
    cluster.write(replicas=0)
    arrived = replace(moving, placements=moving.placements[1:])
    assert answer(cluster.report(decision=arrived)) == SERVING


def test_while_growth_is_only_reserved_the_service_stays_ready_as_of_its_former_generation(cluster: Cluster) -> None:
    before = cluster.report()
    reserved = cluster.report(before, generation=2, application=RESERVED_ONLY, decision=two_places(Role.BASE))
    assert answer(reserved) == SERVING
    assert (reserved.observed_generation, condition(reserved).observed_generation) == (2, 1)


def test_once_it_is_applied_the_service_is_ready_as_of_the_new_generation_and_that_is_written_at_once(
    cluster: Cluster,
) -> None:
    reserved = cluster.report(cluster.report(), generation=2, application=RESERVED_ONLY)
    cluster.write(replicas=2)
    applied = cluster.report(reserved, generation=2, application=UP_TO_DATE)
    assert answer(applied) == SERVING
    assert condition(applied).observed_generation == 2
    assert change(reserved, applied).substance


def test_a_new_template_that_is_only_reserved_does_not_serve_the_new_generation(cluster: Cluster) -> None:
    reserved = cluster.report(cluster.report(), generation=2, application=RESERVED_ONLY)
    assert condition(reserved).observed_generation == 1
    cluster.write(replicas=1, image=NEW)
    assert answer(cluster.report(reserved, generation=2)) == PROGRESSING


def test_a_service_that_broke_is_not_kept_ready_by_a_reservation(cluster: Cluster) -> None:
    before = cluster.report()
    cluster.look(counts(1, ready=0))
    assert answer(cluster.report(before, generation=2, application=RESERVED_ONLY)) == PROGRESSING
