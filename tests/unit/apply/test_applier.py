"""The applier: as few requests as possible, and never a word about what belongs to somebody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from inferfleet.apply.applier import Applier
from inferfleet.apply.errors import Conflict, NameConflict, NotFound, NotLeading
from inferfleet.domain.children import ChildIdentity
from inferfleet.domain.keys import Kind
from inferfleet.domain.observed import Child
from inferfleet.domain.owner import Owner
from inferfleet.domain.resources import Resource
from inferfleet.observe.project_children import child
from inferfleet.render import Manifest

OWNER = Owner(kind=Kind.INFERENCE_DEPLOYMENT, uid="owner", namespace="team", name="chat")
Document = dict[str, Any]


class Server:
    """A few objects by kind and name, and a log of what was asked."""

    def __init__(self, *documents: Document) -> None:
        self.objects = {(item["kind"], item["metadata"]["name"]): item for item in documents}
        self.log: list[str] = []
        self.on_delete: Callable[[], object] = lambda: None
        self._version = 10

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Document:
        del namespace
        self.log.append(f"get {resource.kind}")
        if (resource.kind, name) not in self.objects:
            raise NotFound("gone", code=404)
        return self.objects[resource.kind, name]

    async def create(self, resource: Resource, document: Document, *, manager: str) -> Document:
        del manager
        self.log.append(f"create {resource.kind}")
        if (resource.kind, document["metadata"]["name"]) in self.objects:
            raise Conflict("exists", code=409, reason="AlreadyExists")
        return self._store(document, uid=f"uid of {resource.kind}")

    async def apply(self, resource: Resource, document: Document, *, manager: str) -> Document:
        del manager
        self.log.append(f"apply {resource.kind}")
        return self._store(document, uid=document["metadata"]["uid"])

    async def patch(self, resource: Resource, namespace: str | None, name: str, operations: list[Document]) -> Document:
        del namespace
        self.log.append(f"patch {resource.kind}: {operations[-1]['path']}={operations[-1]['value']}")
        return self.objects[resource.kind, name]

    async def delete(self, resource: Resource, namespace: str | None, name: str, *, uid: str) -> None:
        del namespace
        self.log.append(f"delete {resource.kind} {uid}")
        self.on_delete()
        self.objects.pop((resource.kind, name))

    def _store(self, document: Document, *, uid: str) -> Document:
        self._version += 1
        metadata = {**document["metadata"], "uid": uid, "resourceVersion": str(self._version)}
        stored = {**document, "metadata": metadata}
        self.objects[stored["kind"], metadata["name"]] = stored
        return stored


def manifest(kind: str = "Deployment", *, replicas: int = 1, name: str = "chat", immutable: bool = False) -> Manifest:
    version = {"Deployment": "apps/v1", "Service": "v1", "Job": "batch/v1"}[kind]
    digest = f"{kind}-{replicas}"
    metadata = {
        "name": name,
        "namespace": "team",
        "labels": {"inferfleet.dev/deployment": "chat"},
        "annotations": {"inferfleet.dev/manifest-hash": digest},
        "ownerReferences": [{"uid": "owner", "kind": "InferenceDeployment", "name": "chat", "controller": True}],
    }
    body = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": {"replicas": replicas}}
    return Manifest(
        api_version=version,
        kind=kind,
        namespace="team",
        name=name,
        content_hash=digest,
        body=body,
        immutable=immutable,
    )


def foreign(kind: str = "Deployment", **owner: str) -> Document:
    references = [{**owner, "controller": True}] if owner else []
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {
            "name": "chat", "namespace": "team", "uid": "theirs", "resourceVersion": "3", "ownerReferences": references,
        },
    }  # fmt: skip


class Scene:
    """An applier in front of a server, and the children that it has seen."""

    def __init__(self, *documents: Document) -> None:
        self.server, self.leading = Server(*documents), True
        self.applier = Applier(self.server, on_written=child, may_write=lambda: self.leading)  # type: ignore[arg-type]  # as much of a client as it needs

    def seen(self) -> dict[ChildIdentity, Child]:
        children = [child(item) for item in self.server.objects.values()]
        return {item.identity: item for item in children}

    async def apply(self, *wanted: Manifest, seen: dict[ChildIdentity, Child] | None = None) -> list[str]:
        self.server.log.clear()
        await self.applier.apply(OWNER, wanted, self.seen() if seen is None else seen)
        return list(self.server.log)


async def test_what_is_missing_is_created_in_one_request_each() -> None:
    scene = Scene()

    assert await scene.apply(manifest(), manifest("Service")) == ["create Service", "create Deployment"]


async def test_what_is_right_costs_no_request() -> None:
    scene = Scene()
    await scene.apply(manifest())

    assert await scene.apply(manifest()) == []
    assert scene.applier.is_settled(OWNER, {manifest().identity: "Deployment-1"}, scene.seen())


async def test_what_was_created_and_changes_is_first_made_ours_field_by_field() -> None:
    scene = Scene()
    await scene.apply(manifest())
    stored = scene.server.objects["Deployment", "chat"]
    stored["metadata"]["managedFields"] = [
        {"manager": "kubelet", "operation": "Update"},
        {"manager": "inferfleet.dev/operator", "operation": "Update"},
    ]

    assert await scene.apply(manifest(replicas=2)) == [
        "get Deployment",
        "patch Deployment: /metadata/managedFields/1/operation=Apply",
        "apply Deployment",
    ]


async def test_a_value_that_was_changed_by_hand_is_applied_again() -> None:
    scene = Scene()
    await scene.apply(manifest())
    scene.server.objects["Deployment", "chat"]["spec"] = {"replicas": 7}

    assert await scene.apply(manifest()) == ["get Deployment", "apply Deployment"]


async def test_a_name_that_nobody_controls_is_not_taken_over() -> None:
    scene = Scene(foreign())

    with pytest.raises(NameConflict, match="is not ours"):
        await scene.apply(manifest(), seen={})
    assert scene.server.log == ["create Deployment", "get Deployment"]


async def test_a_name_that_somebody_controls_is_named_with_its_controller() -> None:
    scene = Scene(foreign(kind="Deployment", uid="x") | {"metadata": foreign(uid="x", name="web")["metadata"]})

    with pytest.raises(NameConflict, match="web"):
        await scene.apply(manifest(), seen={})


async def test_the_child_of_a_deleted_namesake_is_waited_for() -> None:
    document = foreign(uid="former")
    document["metadata"]["ownerReferences"][0] |= {"kind": "InferenceDeployment", "name": "chat"}
    scene = Scene(document)

    with pytest.raises(Conflict, match="namesake"):
        await scene.apply(manifest(), seen={})


async def test_our_own_object_that_lost_its_label_is_set_right() -> None:
    scene = Scene()
    await scene.apply(manifest())

    assert await scene.apply(manifest(), seen={}) == ["create Deployment", "get Deployment", "apply Deployment"]


async def test_what_is_no_longer_wanted_goes_and_what_is_not_ours_stays() -> None:
    scene = Scene(foreign("Service", uid="somebody-else"))
    await scene.apply(manifest(), manifest("Job", name="old"), seen={})

    assert await scene.apply(manifest()) == ["delete Job uid of Job"]


async def test_a_job_that_must_change_is_deleted_first() -> None:
    scene = Scene()
    await scene.apply(manifest("Job", immutable=True))

    assert await scene.apply(manifest("Job", replicas=2, immutable=True)) == ["delete Job uid of Job"]
    assert await scene.apply(manifest("Job", replicas=2, immutable=True)) == ["create Job"]


async def test_a_reign_that_ends_within_a_pass_ends_its_writes() -> None:
    scene = Scene()
    create = scene.server.create

    async def create_and_lose(resource: Resource, document: Document, *, manager: str) -> Document:
        scene.leading = False
        return await create(resource, document, manager=manager)

    scene.server.create = create_and_lose  # type: ignore[method-assign]  # the lease is lost during the first request

    with pytest.raises(NotLeading):
        await scene.apply(manifest(), manifest("Service"))
    assert scene.server.log == ["create Service"]


async def test_who_does_not_lead_deletes_nothing() -> None:
    scene = Scene()
    await scene.apply(manifest())
    scene.leading = False

    with pytest.raises(NotLeading):
        await scene.apply()
    assert scene.server.log == []


async def reduced(scene: Scene, **staying: int) -> list[str]:
    scene.server.log.clear()
    await scene.applier.reduce(OWNER, staying, scene.seen())
    return list(scene.server.log)


async def test_what_was_given_up_goes_while_the_rest_is_left_alone() -> None:
    scene = Scene()
    await scene.apply(manifest(), manifest(name="chat-2"), manifest("Service"))
    scene.server.objects["Deployment", "chat"]["spec"]["unplanned"] = True

    assert await reduced(scene, chat=1) == ["delete Deployment uid of Deployment"]


async def test_a_workload_whose_replicas_were_given_up_is_cut() -> None:
    scene = Scene()
    await scene.apply(manifest(replicas=3))

    assert await reduced(scene, chat=2) == ["patch Deployment: /spec/replicas=2"]


async def test_a_workload_that_runs_less_than_it_may_is_not_grown() -> None:
    scene = Scene()
    await scene.apply(manifest(replicas=1))

    assert await reduced(scene, chat=2) == []


async def test_a_child_that_arrives_while_others_are_reduced_or_deleted_is_met_in_the_next_pass() -> None:
    scene = Scene()
    await scene.apply(manifest(replicas=3), manifest(name="chat-2"))
    seen = scene.seen()
    (first, *_) = seen.values()

    def arrives() -> None:
        seen[first.identity._replace(name=f"new-{len(seen)}")] = first

    def written(document: Document) -> Child | None:
        arrives()
        return child(document)

    scene.applier = Applier(scene.server, on_written=written, may_write=lambda: True)  # type: ignore[arg-type]  # as much of a client as it needs
    scene.server.log.clear()
    await scene.applier.reduce(OWNER, {"chat": 2, "chat-2": 1}, seen)
    assert scene.server.log == ["patch Deployment: /spec/replicas=2"]

    seen = scene.seen()
    scene.server.on_delete = arrives
    assert (await scene.applier.apply(OWNER, (), seen)).deleted == 2


async def test_what_somebody_else_controls_is_not_reduced() -> None:
    scene = Scene(foreign())

    assert await reduced(scene) == []


async def test_a_taken_service_name_is_found_before_pods_are_paid_for() -> None:
    scene = Scene(foreign("Service"))

    with pytest.raises(NameConflict):
        await scene.apply(manifest(), manifest("Service"))
    assert "create Deployment" not in scene.server.log
