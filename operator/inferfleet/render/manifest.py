"""One object that the cluster shall hold: identity, body, and a hash of the content.

In: a kind and its body. Out: a `Manifest` whose body carries the owner and the hash. Two manifests are equal exactly
when their hashes are, so the writer can tell "nothing to do" from one annotation. No field is defaulted here that the
API server would default: what is not written stays the server's (server-side apply owns only what is sent).
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from inferfleet.domain.children import HASH_ANNOTATION, ChildIdentity
from inferfleet.domain.owner import Owner

# 16 hexadecimal digits: 64 bits tell apart the successive contents of one object with room to spare.
HASH_DIGITS = 16

Body = dict[str, Any]


class RenderError(ValueError):
    """The decision cannot be written as manifests; what runs should be left alone. The message names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An object to apply. `immutable` kinds cannot be changed in place: a new content needs delete and create."""

    api_version: str
    kind: str
    namespace: str
    name: str
    content_hash: str
    body: Body = field(hash=False, compare=False, repr=False)
    immutable: bool = False

    @property
    def identity(self) -> ChildIdentity:
        """What this manifest and the child that is written from it have in common."""
        return ChildIdentity(self.kind, self.namespace, self.name)


def manifest(api_version: str, kind: str, owner: Owner, body: Body, *, intent: Body | None = None) -> Manifest:
    """Complete a body that has `metadata.name`: namespace, owner reference and hash annotation.

    The hash covers the whole object except itself, in canonical JSON (sorted keys, no spaces). For an object that
    cannot be changed in place, `intent` is what was asked for, and the hash covers only that: a new operator version
    renders differently, and must not throw away what is running.
    """
    metadata = {**body["metadata"], "namespace": owner.namespace, "ownerReferences": [_reference(owner)]}
    whole = {"apiVersion": api_version, "kind": kind, **body, "metadata": metadata}
    content_hash = _digest(whole if intent is None else intent)
    metadata["annotations"] = {**metadata.get("annotations", {}), HASH_ANNOTATION: content_hash}
    return Manifest(
        api_version=api_version,
        kind=kind,
        namespace=owner.namespace,
        name=metadata["name"],
        content_hash=content_hash,
        body=whole,
        immutable=intent is not None,
    )


def _reference(owner: Owner) -> Body:
    """Return the owner, with whom the garbage collector deletes the child; no second controller may adopt the child."""
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind.value,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _digest(content: Body) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()[:HASH_DIGITS]
