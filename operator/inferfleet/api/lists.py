"""Lists with a declared merge behaviour, which server-side apply needs and the API server enforces.

In: a tuple type and a marker: `Annotated[tuple[Backend, ...], Field(max_length=16), list_map("name")]`, the bounds
first. Out: the same tuple, refused when two entries are alike, and `x-kubernetes-list-type` in its schema. This file
must not know any kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from inferfleet.api.model import camel_case


@dataclass(frozen=True, slots=True)
class ListType:
    """Says how server-side apply merges a list, and refuses duplicates as the API server does."""

    kind: Literal["map", "set", "atomic"]
    keys: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        if self.kind == "atomic":
            return schema
        return core_schema.no_info_after_validator_function(self._refuse_duplicates, schema)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(schema)
        described["x-kubernetes-list-type"] = self.kind
        if self.keys:
            described["x-kubernetes-list-map-keys"] = [camel_case(key) for key in self.keys]
        return described

    def _refuse_duplicates(self, entries: tuple[Any, ...]) -> tuple[Any, ...]:
        seen: set[Any] = set()
        for entry in entries:
            identity = tuple(getattr(entry, key) for key in self.keys) if self.keys else (entry,)
            if identity in seen:
                duplicate = ", ".join(str(part) for part in identity)
                raise PydanticCustomError("duplicate", "holds {duplicate} twice", {"duplicate": duplicate})
            seen.add(identity)
        return entries


def list_map(*keys: str) -> ListType:
    """Entries are identified by these attributes (snake_case) and merged one by one."""
    return ListType("map", keys)


LIST_SET = ListType("set")
"""Scalars, each at most once; several writers may add."""

ATOMIC = ListType("atomic")
"""Replaced as a whole; the order matters."""
