"""One bad object per bound of the schema: too small, too long, misspelt, missing, of the wrong type.

In: the generated schemas and the good objects. Out: `out_of_bounds()`, cases derived from the schema itself, so that a
new field is covered without a new line here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from inferfleet.api.crds import root_schema
from inferfleet.api.objects import KINDS
from tests.apiobjects.broken_rules import DELETED, change
from tests.apiobjects.good import GOOD, Document, good

Schema = dict[str, Any]

_ANY_POSITION = re.compile(r"\.\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One field of a good object with a value that its schema does not admit."""

    base: str
    path: str
    fault: str
    value: object

    @property
    def name(self) -> str:
        """A sentence for the test report."""
        return f"{self.base}: {self.path} {self.fault}"

    @property
    def field(self) -> str:
        """The last named step of the path, which both refusals must mention."""
        return next(step for step in reversed(self.path.split(".")) if not step.isdigit())

    def document(self) -> Document:
        """Return the bad object."""
        document = good(self.base)
        change(document, self.path, self.value)
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a spec: where it stands, what it admits, whether it must be there."""

    path: str
    schema: Schema
    required: bool


@cache
def spec_fields(kind: str) -> tuple[Field, ...]:
    """Return every field of the spec of a kind; `*` stands for the position in a list."""
    return tuple(_fields(root_schema(KINDS[kind])["properties"]["spec"], "spec"))


def _fields(schema: Schema, path: str) -> Iterator[Field]:
    for name, child in schema.get("properties", {}).items():
        yield Field(path=f"{path}.{name}", schema=child, required=name in schema.get("required", ()))
        yield from _fields(child, f"{path}.{name}")
    if "items" in schema:
        yield Field(path=f"{path}.*", schema=schema["items"], required=False)
        yield from _fields(schema["items"], f"{path}.*")


def first_places(document: Document) -> dict[str, tuple[str, Any]]:
    """Return, for every field that a document holds, the first place where it stands and the value there."""
    places: dict[str, tuple[str, Any]] = {}
    for path, value in _held(document, ""):
        places.setdefault(_ANY_POSITION.sub(".*", path), (path, value))
    return places


def _held(node: object, path: str) -> Iterator[tuple[str, Any]]:
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, child in steps:
        below = f"{path}.{step}" if path else str(step)
        yield below, child
        yield from _held(child, below)


def out_of_bounds() -> tuple[Bound, ...]:
    """Return, for every field, every bound once, in the first good object that holds the field."""
    cases: dict[tuple[str, str, str], Bound] = {}
    for base in GOOD:
        document = good(base)
        places = first_places(document)
        for field in spec_fields(document["kind"]):
            if field.path in places:
                path, held_value = places[field.path]
                for fault, value in _faults(field, held_value):
                    case = Bound(base=base, path=path, fault=fault, value=value)
                    cases.setdefault((document["kind"], field.path, fault), case)
    return tuple(cases.values())


def _faults(field: Field, value: object) -> Iterator[tuple[str, object]]:
    """Yield what is wrong, and a value that is wrong in this way."""
    schema = field.schema
    if field.required:
        yield "is missing", DELETED
    match schema.get("type"):
        case "string" if "enum" in schema:
            yield "is no word of the list", "Nonsense"
        case "string" if "format" in schema:
            yield "is no date", "yesterday"
        case "string":
            yield "is too long", ("1" if "\\d" in schema.get("pattern", "") else "a") * (schema["maxLength"] + 1)
            if "pattern" in schema:
                yield "does not match its pattern", "\n ~"
        case "integer":
            yield "is too small", schema["minimum"] - 1
            yield "is too large", schema["maximum"] + 1
            yield "is text instead of a number", "1"
        case "boolean":
            yield "is text instead of true or false", "true"
        case "array":
            assert isinstance(value, list)
            yield "is an empty list", []
            yield "holds too many", value[:1] * (schema["maxItems"] + 1)
        case "object" if "maxProperties" in schema:
            yield "is too large a map", {f"key-{number}": "x" for number in range(schema["maxProperties"] + 1)}
            if "minProperties" in schema:
                yield "is an empty map", {}
        case None:
            yield "is no quantity", "much"
        case _:
            pass
