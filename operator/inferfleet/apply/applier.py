"""Makes what an object of ours owns equal to its manifests, with as few requests as possible.

In: the owner, the wanted manifests in apply order, and the children seen. Out: what was written. Objects of others are
never touched: the first write is a create, which fails where the name is taken, and every later one carries the UID.
Must not retry; whoever asked decides when to come back.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inferfleet.apply.client import Client
from inferfleet.apply.drift import difference
from inferfleet.apply.errors import Conflict, Invalid, NameConflict, NotFound, NotLeading
from inferfleet.domain.children import ChildIdentity
from inferfleet.domain.observed import Child
from inferfleet.domain.owner import Owner
from inferfleet.domain.packing import unpack
from inferfleet.domain.resources import CHILD_OF_KIND, Document, Resource
from inferfleet.render import Manifest

_log = logging.getLogger(__name__)

FIELD_MANAGER = "inferfleet.dev/operator"
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a pass did. `waiting` names children that must disappear first; their deletion event brings us back."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    waiting: tuple[str, ...] = ()


class Applier:
    """Writes children. `on_written(document)` is given the server's answer to each write and returns it as a value.

    `may_write()` is asked before every write: a pass is many requests, and a leadership term may end in between.
    """

    def __init__(
        self, client: Client, *, on_written: Callable[[Document], Child | None], may_write: Callable[[], bool]
    ) -> None:
        """Keep no state but which stored contents are known to equal which manifests."""
        self._client = client
        self._on_written = on_written
        self._may_write = may_write
        self._verified: dict[str, tuple[bytes, str]] = {}

    async def apply(self, owner: Owner, wanted: Sequence[Manifest], seen: Mapping[ChildIdentity, Child]) -> Applied:
        """Create, update and prune. Raises NameConflict for a name that somebody else has, NotLeading, and ApiError."""
        counts = {"create": 0, "update": 0, "delete": 0}
        waiting = []
        # A taken name is found before anything costs money: of all objects only a Service is for free.
        for manifest in sorted(wanted, key=lambda item: item.kind != "Service"):
            child = seen.get(manifest.identity)
            action = await self._settle(owner, manifest, child)
            if action == "wait":
                waiting.append(f"{manifest.kind} {manifest.name}")
            elif action:
                counts[action] += 1
        counts["delete"] += await self._prune(owner, wanted, seen)
        return Applied(
            created=counts["create"], updated=counts["update"], deleted=counts["delete"], waiting=tuple(waiting)
        )

    async def reduce(self, owner: Owner, staying: Mapping[str, int], seen: Mapping[ChildIdentity, Child]) -> None:
        """Take away what is held no longer, and leave everything else as it is, also where it differs from a plan.

        `staying` names the workloads that stay, with their replicas; a Deployment of more is cut to them, so that pods
        whose GPUs were given up never start. Raises NotLeading, and ApiError.
        """
        for child in tuple(seen.values()):
            if not child.has_pods or child.owner != owner.uid or child.deleting:
                continue
            replicas = staying.get(child.name)
            if replicas is None:
                await self._delete(CHILD_OF_KIND[child.kind], child)
            elif child.kind == "Deployment" and _replicas(child) > replicas:
                await self._cut(child, replicas)

    async def _cut(self, child: Child, replicas: int) -> None:
        operations: list[Document] = [
            {"op": "test", "path": "/metadata/uid", "value": child.uid},
            {"op": "replace", "path": "/spec/replicas", "value": replicas},
        ]
        self._ask()
        try:
            answer = await self._client.patch(CHILD_OF_KIND[child.kind], child.namespace, child.name, operations)
        except (NotFound, Invalid) as error:  # gone, or a namesake stands there now
            raise Conflict(f"{child.kind} {child.name} changed meanwhile", code=409) from error
        self._on_written(answer)

    def is_settled(
        self, owner: Owner, wanted: Mapping[ChildIdentity, str], seen: Mapping[ChildIdentity, Child]
    ) -> bool:
        """Whether a pass would write nothing, judged by hashes of an earlier rendering alone."""
        mine = {key: child for key, child in seen.items() if child.owner == owner.uid and not child.deleting}
        return mine.keys() == wanted.keys() and all(
            self._verified.get(child.uid) == (child.content, wanted[key]) and child.manifest_hash == wanted[key]
            for key, child in mine.items()
        )

    async def _settle(self, owner: Owner, manifest: Manifest, child: Child | None) -> str:
        """Bring one object about; return what was done, empty for nothing."""
        resource = CHILD_OF_KIND[manifest.kind]
        if child is None:
            return await self._create(owner, manifest, resource)
        if child.owner != owner.uid:
            return await self._update(owner, manifest, resource)
        if child.deleting:
            return "wait"
        if self._is_current(manifest, child):
            return ""
        if manifest.immutable:
            if child.manifest_hash == manifest.content_hash:
                return ""  # what differs cannot be changed in place, and what we rendered has not changed
            await self._delete(resource, child)
            return "wait"
        return await self._update(owner, manifest, resource)

    def _is_current(self, manifest: Manifest, child: Child) -> bool:
        if child.manifest_hash != manifest.content_hash:
            return False
        if self._verified.get(child.uid) == (child.content, manifest.content_hash):
            return True
        path = difference(manifest.body, unpack(child.content))
        if path is not None:
            _log.info("%s %s/%s was changed at %s", child.kind, child.namespace, child.name, path)
            return False
        self._remember(child.uid, child.content, manifest.content_hash)
        return True

    async def _create(self, owner: Owner, manifest: Manifest, resource: Resource) -> str:
        self._ask()
        try:
            stored = await self._client.create(resource, manifest.body, manager=FIELD_MANAGER)
        except Conflict as error:
            if error.reason != "AlreadyExists":
                raise
            return await self._update(owner, manifest, resource)
        self._take(stored, manifest)
        return "create"

    async def _update(self, owner: Owner, manifest: Manifest, resource: Resource) -> str:
        """Apply over the stored object, if it is ours; also where its label was removed and so nobody saw it."""
        stored = await self._own_created_fields(resource, await self._ours(owner, manifest, resource))
        body = {**manifest.body, "metadata": {**manifest.body["metadata"], "uid": stored["metadata"]["uid"]}}
        self._ask()
        answer = await self._client.apply(resource, body, manager=FIELD_MANAGER)
        self._take(answer, manifest)
        return "update"

    def _take(self, answer: Document, manifest: Manifest) -> None:
        """Remember an answer: what the server made of a manifest equals it, in whatever words."""
        written = self._on_written(answer)
        if written is not None and written.manifest_hash == manifest.content_hash:
            self._remember(written.uid, written.content, manifest.content_hash)

    async def _ours(self, owner: Owner, manifest: Manifest, resource: Resource) -> Document:
        """Return the stored object. Raises NameConflict when somebody else has the name, Conflict to come again."""
        try:
            stored = await self._client.get(resource, manifest.namespace, manifest.name)
        except NotFound as error:
            raise Conflict(f"{manifest.kind} {manifest.name} was deleted meanwhile", code=409) from error
        controller = _controller(stored)
        if controller.get("uid") == owner.uid:
            return stored
        if controller.get("kind") == owner.kind and controller.get("name") == owner.name:
            raise Conflict(f"{manifest.kind} {manifest.name} of a deleted namesake is still there", code=409)
        named = f"{controller.get('kind')} {controller.get('name')}" if controller else ""
        raise NameConflict(kind=manifest.kind, namespace=manifest.namespace, name=manifest.name, controller=named)

    async def _own_created_fields(self, resource: Resource, stored: Document) -> Document:
        """Turn the fields of our create into applied ones, once, before the first apply. Returns the object after that.

        A create is recorded as an update, and server-side apply removes only fields that were applied before: without
        this a flag that we no longer render would stay for ever. k8s.io/client-go/util/csaupgrade does the same.
        """
        metadata = stored["metadata"]
        for index, entry in enumerate(metadata.get("managedFields") or ()):
            if entry.get("manager") != FIELD_MANAGER or entry.get("operation") != "Update":
                continue
            path = f"/metadata/managedFields/{index}"
            operations = [
                {"op": "test", "path": "/metadata/uid", "value": metadata["uid"]},
                {"op": "test", "path": f"{path}/manager", "value": FIELD_MANAGER},
                {"op": "test", "path": f"{path}/operation", "value": "Update"},
                {"op": "replace", "path": f"{path}/operation", "value": "Apply"},
            ]
            self._ask()
            try:
                return await self._client.patch(resource, metadata["namespace"], metadata["name"], operations)
            except Invalid as error:  # a test failed: somebody wrote in between
                raise Conflict(error.message, code=409) from error
        return stored

    async def _prune(self, owner: Owner, wanted: Sequence[Manifest], seen: Mapping[ChildIdentity, Child]) -> int:
        """Delete what we own and do not want any more."""
        keep = {manifest.identity for manifest in wanted}
        count = 0
        for key, child in tuple(seen.items()):
            if key not in keep and child.owner == owner.uid and not child.deleting:
                await self._delete(CHILD_OF_KIND[child.kind], child)
                count += 1
        return count

    async def _delete(self, resource: Resource, child: Child) -> None:
        self._ask()
        try:
            await self._client.delete(resource, child.namespace, child.name, uid=child.uid)
        except (NotFound, Conflict):
            return  # gone, or a namesake stands there now: the watch tells

    def _ask(self) -> None:
        if not self._may_write():
            raise NotLeading

    def _remember(self, uid: str, content: bytes, manifest_hash: str) -> None:
        self._verified.pop(uid, None)
        self._verified[uid] = (content, manifest_hash)
        if len(self._verified) > _REMEMBERED:
            del self._verified[next(iter(self._verified))]


def _replicas(child: Child) -> int:
    """What a Deployment is asked to run."""
    return int((unpack(child.content).get("spec") or {}).get("replicas", 1))


def _controller(document: Document) -> dict[str, Any]:
    references = document["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), {})
