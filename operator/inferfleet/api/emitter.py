"""From a pydantic model to a structural schema, the subset of OpenAPI 3.0 that a CustomResourceDefinition may hold.

In: a model class. Out: plain dicts, lists and scalars. Everything that has no meaning in a structural schema is
translated or refused with `CannotEmit`; `linter` proves the result independently.
Source of the subset: Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions", section
"Specifying a structural schema".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_REFUSED = ("prefixItems", "patternProperties", "discriminator", "oneOf", "allOf", "not", "if")
_DROPPED = ("title", "$defs", "additionalProperties", "default")
_INT32_MAXIMUM = 2**31 - 1


class CannotEmit(TypeError):  # noqa: N818 - reads as the sentence it is
    """A model uses something that a structural schema cannot say."""


def structural_schema(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model, with references inlined and the model's docstring as description.

    Raises `CannotEmit` for recursion, unions other than `X | None`, and fixed-position tuples.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _translate(schema, definitions=schema.get("$defs", {}), path=model.__name__, open_references=())


def _translate(
    schema: Mapping[str, Any], *, definitions: Mapping[str, Schema], path: str, open_references: tuple[str, ...]
) -> Schema:
    """Translate one node and everything below it."""
    node, open_references = _inlined(schema, definitions, path, open_references)
    for keyword in _REFUSED:
        if keyword in node:
            raise CannotEmit(f"{path}: {keyword} has no place in a structural schema")

    def below(child: Mapping[str, Any], step: str) -> Schema:
        return _translate(child, definitions=definitions, path=path + step, open_references=open_references)

    result = {key: value for key, value in node.items() if key not in _DROPPED}
    if "const" in result:
        result["enum"] = [result.pop("const")]
    if "properties" in node:
        result["properties"] = {name: below(child, f".{name}") for name, child in node["properties"].items()}
    elif isinstance(node.get("additionalProperties"), Mapping):
        result["additionalProperties"] = below(node["additionalProperties"], ".*")
    if "items" in node:
        result["items"] = below(node["items"], "[]")
    if _says_something(node.get("default")):
        result["default"] = node["default"]
    return _with_integer_format(_with_boolean_exclusion(result))


def _inlined(
    schema: Mapping[str, Any], definitions: Mapping[str, Schema], path: str, open_references: tuple[str, ...]
) -> tuple[Schema, tuple[str, ...]]:
    """Resolve a reference or an optional type; what stands beside it (the field's description) goes before."""
    node = dict(schema)
    while "$ref" in node or _is_optional(node):
        if "$ref" in node:
            name = str(node.pop("$ref")).rsplit("/", 1)[-1]
            if name in open_references:
                raise CannotEmit(f"{path}: {name} contains itself, and a structural schema cannot recurse")
            open_references = (*open_references, name)
            inner = definitions[name]
        else:
            inner = next(option for option in node.pop("anyOf") if option.get("type") != "null")
        node = {**inner, **node}
    if "anyOf" in node and not node.get("x-kubernetes-int-or-string"):
        raise CannotEmit(f"{path}: a union; use optional fields and a rule that says how many are required")
    return node, open_references


def _is_optional(node: Mapping[str, Any]) -> bool:
    """Whether the node is what pydantic writes for `X | None`."""
    options = node.get("anyOf", ())
    return len(options) == 2 and sum(option.get("type") == "null" for option in options) == 1


def _says_something(default: object) -> bool:
    """Whether a default belongs into the schema: null, lists and whole objects do not.

    An absent object means the same as one in which everything is absent, so storing it would only be noise.
    """
    return default is not None and not isinstance(default, Mapping | list)


def _with_boolean_exclusion(node: Schema) -> Schema:
    """Write exclusive bounds as OpenAPI 3.0 does: the bound, and a flag beside it."""
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in node:
            node[inclusive] = node[exclusive]
            node[exclusive] = True
    return node


def _with_integer_format(node: Schema) -> Schema:
    """Add the width of an integer, as the API conventions ask."""
    if node.get("type") == "integer":
        bounds = (node.get("minimum", -_INT32_MAXIMUM - 2), node.get("maximum", _INT32_MAXIMUM + 1))
        fits = bounds[0] >= -_INT32_MAXIMUM - 1 and bounds[1] <= _INT32_MAXIMUM
        node["format"] = "int32" if fits else "int64"
    return node
