"""Proof that a schema is structural, bounded and described, independent of how it was made.

In: the `openAPIV3Schema` of a CustomResourceDefinition. Out: a list of complaints, each with its path; empty is good.
It must not repair anything and must not know any kind.
Source of the rules: Kubernetes documentation on structural schemas; Kubernetes API conventions (no floats, no unbounded
collections, described fields); server-side apply needs declared list types; CEL cost estimates need bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]

_FORBIDDEN = (
    "$ref",
    "$defs",
    "title",
    "const",
    "oneOf",
    "prefixItems",
    "patternProperties",
    "discriminator",
    "definitions",
    "uniqueItems",
)
_BOUNDED_FORMATS = ("date", "date-time")
_ENVELOPE = ("apiVersion", "kind", "metadata")
_SCALARS = ("string", "integer", "boolean")


def lint(schema: Node) -> list[str]:
    """Return every complaint about the schema of one kind, in the order of its fields.

    The envelope at the root (apiVersion, kind, metadata) is the API server's own and is not looked at.
    """
    fields = {name: field for name, field in schema.get("properties", {}).items() if name not in _ENVELOPE}
    return list(_lint_node({**schema, "properties": fields}, path="", is_field=True))


def _lint_node(node: Node, *, path: str, is_field: bool) -> Iterator[str]:
    """Complain about one node and everything below it; `is_field` is false for entries of lists and maps."""
    yield from (f"{path or '.'}: {complaint}" for complaint in _complaints(node, is_field=is_field))
    for name, child in node.get("properties", {}).items():
        yield from _lint_node(child, path=f"{path}.{name}", is_field=True)
    if isinstance(node.get("items"), Mapping):
        yield from _lint_node(node["items"], path=f"{path}[]", is_field=False)
    if isinstance(node.get("additionalProperties"), Mapping):
        yield from _lint_node(node["additionalProperties"], path=f"{path}.*", is_field=False)


def _complaints(node: Node, *, is_field: bool) -> Iterator[str]:
    """Complain about one node alone."""
    yield from (f"{keyword} is not structural" for keyword in _FORBIDDEN if keyword in node)
    if is_field and not node.get("description"):
        yield "has no description"
    if "default" in node and (node["default"] is None or isinstance(node["default"], Mapping | list)):
        yield "defaults must be scalars"
    yield from _lint_rules(node)
    yield from _lint_bound_flags(node)
    if node.get("x-kubernetes-int-or-string"):
        if "pattern" not in node:
            yield "an int-or-string needs a pattern"
        return
    if "anyOf" in node:
        yield "anyOf is allowed for int-or-string only"
    match node.get("type"):
        case "string":
            yield from _lint_string(node)
        case "integer":
            yield from _lint_integer(node)
        case "array":
            yield from _lint_array(node)
        case "object":
            yield from _lint_object(node)
        case "boolean":
            pass
        case "number":
            yield "is a float; use a decimal string"
        case other:
            yield f"has no usable type ({other})"


def _lint_rules(node: Node) -> Iterator[str]:
    for rule in node.get("x-kubernetes-validations", ()):
        if not rule.get("message"):
            yield f"rule without a message: {rule.get('rule')}"


def _lint_bound_flags(node: Node) -> Iterator[str]:
    for flag, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if flag in node and (node[flag] is not True or bound not in node):
            yield f"{flag} must be true beside {bound}"


def _lint_string(node: Node) -> Iterator[str]:
    if "maxLength" not in node and "enum" not in node and node.get("format") not in _BOUNDED_FORMATS:
        yield "string without maxLength, enum or date format"


def _lint_integer(node: Node) -> Iterator[str]:
    if "minimum" not in node or "maximum" not in node:
        yield "integer without minimum and maximum"
    if node.get("format") not in ("int32", "int64"):
        yield "integer without format int32 or int64"


def _lint_array(node: Node) -> Iterator[str]:
    items = node.get("items")
    if "maxItems" not in node:
        yield "list without maxItems"
    if not isinstance(items, Mapping):
        yield "list without one schema for its items"
        return
    match node.get("x-kubernetes-list-type"):
        case "map":
            yield from _lint_map_keys(node.get("x-kubernetes-list-map-keys", ()), items)
        case "set":
            if items.get("type") not in _SCALARS:
                yield "a set must hold scalars"
        case "atomic":
            pass
        case _:
            yield "list without x-kubernetes-list-type"


def _lint_map_keys(keys: tuple[str, ...] | list[str], items: Node) -> Iterator[str]:
    if not keys:
        yield "list of type map without x-kubernetes-list-map-keys"
    for key in keys:
        field = items.get("properties", {}).get(key)
        if field is None or field.get("type") not in _SCALARS:
            yield f"map key {key} is no scalar field of the items"
        elif key not in items.get("required", ()) and "default" not in field:
            yield f"map key {key} is neither required nor defaulted"


def _lint_object(node: Node) -> Iterator[str]:
    has_fields, has_values = "properties" in node, "additionalProperties" in node
    if has_fields and has_values:
        yield "properties and additionalProperties exclude each other"
    elif has_values:
        if not isinstance(node["additionalProperties"], Mapping):
            yield "additionalProperties must be a schema"
        if "maxProperties" not in node:
            yield "map without maxProperties"
    elif not has_fields and not node.get("x-kubernetes-preserve-unknown-fields"):
        yield "object without fields: everything in it would be pruned"
    unknown = [name for name in node.get("required", ()) if name not in node.get("properties", {})]
    if unknown:
        yield f"requires unknown fields {', '.join(unknown)}"
