"""Lists a kind of ours into its table: once at the start, so that the table is known to be complete, and now and then.

In: a client and a table that Kopf feeds. Out: a table that equals the cluster. Kopf does not tell of objects that were
deleted while its watch was down, and does not say when a first list is complete; this fills both gaps.
"""

from collections.abc import Sequence
from typing import Any

from inferfleet.domain.resources import Resource
from inferfleet.observe.reflector import Source, named
from inferfleet.observe.table import Table, TableKey


async def list_into(
    source: Source,
    resource: Resource,
    table: Table[TableKey, Any],
    *,
    namespaces: Sequence[str] = (),
    selector: str = "",
) -> None:
    """Make the table equal to the collection (of these namespaces, or all; of what the selector lets through).

    Raises OSError.
    """
    scopes: Sequence[str | None] = namespaces if resource.namespaced and namespaces else (None,)
    listed: set[TableKey] = set()
    versions = []
    for namespace in scopes:
        version = ""
        async for page in source.list_pages(resource, namespace, selector=selector):
            version = page["metadata"]["resourceVersion"]
            listed.update(table.put(named(resource, item)) for item in page["items"])
        versions.append(int(version))
    table.end_list(listed, version=str(min(versions)))
