"""The linter finds every way in which a schema is not structural, not bounded or not described."""

from __future__ import annotations

from typing import Any

import pytest

from inferfleet.api.crds import root_schema
from inferfleet.api.linter import lint
from inferfleet.api.objects import KINDS

_NAME = {"type": "string", "maxLength": 8, "description": "Its name."}
_ENTRY = {"type": "object", "properties": {"name": _NAME}, "required": ["name"]}


def _root(**field: Any) -> dict[str, Any]:
    """Return a clean schema with one more field, `value`."""
    return {"type": "object", "description": "A kind.", "properties": {"value": {"description": "A value.", **field}}}


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_of_every_kind_is_clean(kind: str) -> None:
    assert lint(root_schema(KINDS[kind])) == []


@pytest.mark.parametrize(
    ("field", "complaint"),
    [
        ({"type": "number"}, "is a float"),
        ({"type": "string"}, "string without maxLength"),
        ({"type": "integer", "format": "int32", "minimum": 0}, "integer without minimum and maximum"),
        ({"type": "integer", "minimum": 0, "maximum": 1}, "integer without format"),
        ({}, "has no usable type"),
        ({"$ref": "#/x"}, "$ref is not structural"),
        ({"type": "boolean", "title": "Value"}, "title is not structural"),
        ({"type": "boolean", "const": True}, "const is not structural"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "anyOf is allowed for int-or-string only"),
        ({"x-kubernetes-int-or-string": True}, "an int-or-string needs a pattern"),
        ({"type": "boolean", "default": None}, "defaults must be scalars"),
        ({"type": "object", "properties": {"a": _NAME}, "default": {}}, "defaults must be scalars"),
        ({"type": "boolean", "x-kubernetes-validations": [{"rule": "self"}]}, "rule without a message: self"),
        (
            {"type": "integer", "format": "int32", "minimum": 0, "maximum": 1, "exclusiveMinimum": 0},
            "exclusiveMinimum must be true beside minimum",
        ),
        (
            {"type": "array", "items": _ENTRY, "x-kubernetes-list-type": "atomic"},
            "list without maxItems",
        ),
        ({"type": "array", "maxItems": 1, "x-kubernetes-list-type": "atomic"}, "list without one schema"),
        ({"type": "array", "maxItems": 1, "items": _ENTRY}, "list without x-kubernetes-list-type"),
        (
            {"type": "array", "maxItems": 1, "items": _ENTRY, "x-kubernetes-list-type": "set"},
            "a set must hold scalars",
        ),
        (
            {"type": "array", "maxItems": 1, "items": _ENTRY, "x-kubernetes-list-type": "map"},
            "list of type map without x-kubernetes-list-map-keys",
        ),
        (
            {
                "type": "array",
                "maxItems": 1,
                "items": _ENTRY,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["id"],
            },
            "map key id is no scalar field",
        ),
        (
            {
                "type": "array",
                "maxItems": 1,
                "items": {"type": "object", "properties": {"name": _NAME}},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
            "map key name is neither required nor defaulted",
        ),
        ({"type": "object"}, "object without fields"),
        ({"type": "object", "additionalProperties": _NAME}, "map without maxProperties"),
        ({"type": "object", "additionalProperties": True, "maxProperties": 1}, "additionalProperties must be a schema"),
        (
            {"type": "object", "properties": {"a": _NAME}, "additionalProperties": _NAME},
            "properties and additionalProperties exclude each other",
        ),
        ({"type": "object", "properties": {"a": _NAME}, "required": ["b"]}, "requires unknown fields b"),
    ],
)
def test_a_fault_is_found_and_named_with_its_place(field: dict[str, Any], complaint: str) -> None:
    found = lint(_root(**field))

    assert [text for text in found if text.startswith(f".value: {complaint}")]


def test_a_field_without_a_description_is_found() -> None:
    assert lint(_root(description="", type="boolean")) == [".value: has no description"]


def test_faults_are_found_at_every_depth() -> None:
    float_entry = {"type": "object", "properties": {"x": {"type": "number", "description": "X."}}}
    field = {"type": "array", "maxItems": 1, "items": float_entry, "x-kubernetes-list-type": "atomic"}

    assert lint(_root(**field)) == [".value[].x: is a float; use a decimal string"]


def test_faults_in_the_values_of_a_map_are_found() -> None:
    field = {"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}}

    assert lint(_root(**field)) == [".value.*: string without maxLength, enum or date format"]


def test_entries_need_no_description_of_their_own() -> None:
    field = {"type": "array", "maxItems": 1, "items": _ENTRY, "x-kubernetes-list-type": "atomic"}

    assert lint(_root(**field)) == []
