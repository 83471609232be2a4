"""Writes the status of an object of ours, whole, under a field manager of its own.

In: a resource, the object's identity, the status as JSON types. Out: the stored object. The UID in the request makes
sure that a new object of the same name does not get the status of its predecessor. Must not compare.
"""

from collections.abc import Mapping
from typing import Any

from inferfleet.apply.client import Client
from inferfleet.domain.resources import Document, Resource

STATUS_MANAGER = "inferfleet.dev/operator-status"


async def apply_status(
    client: Client,
    resource: Resource,
    *,
    namespace: str | None,
    name: str,
    uid: str,
    status: Mapping[str, Any],
    version: str | None = None,
) -> Document:
    """Server-side apply the status, with a `version` only over that resourceVersion.

    Raises NotFound or Conflict when the object is gone or has another version, and ApiError.
    """
    metadata = {"name": name, "uid": uid} | ({"namespace": namespace} if namespace else {})
    metadata |= {"resourceVersion": version} if version else {}
    document = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "status": status}
    return await client.apply(resource, document, manager=STATUS_MANAGER, subresource="status")
