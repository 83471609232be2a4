"""What pydantic writes becomes a structural schema, or is refused."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from inferfleet.api.emitter import CannotEmit, structural_schema
from inferfleet.api.lists import LIST_SET, list_map
from inferfleet.api.model import ApiModel, Rule
from inferfleet.api.scalars import Money, Quantity


def _model(annotation: Any, default: Any) -> type[BaseModel]:
    """Return a model with one field, `value`, of this type."""
    return create_model("Model", __base__=ApiModel, value=(annotation, default))


def _emitted(annotation: Any, default: Any = ...) -> dict[str, Any]:
    """Return the schema of one field of this type."""
    schema: dict[str, Any] = structural_schema(_model(annotation, default))["properties"]["value"]
    return schema


class Part(ApiModel):
    """A part."""

    name: Annotated[str, Field(max_length=8)]
    """Its name."""


class Tree(ApiModel):
    """A tree."""

    children: tuple[Tree, ...] = ()
    """Its children."""


class Colour(StrEnum):
    """A colour."""

    RED = "Red"
    BLUE = "Blue"


def test_an_optional_field_is_its_type_without_null() -> None:
    assert _emitted(int | None, None) == {"type": "integer", "format": "int64"}


def test_an_optional_field_is_not_required() -> None:
    assert "required" not in structural_schema(_model(int | None, None))


def test_a_numeric_exclusive_bound_becomes_a_flag() -> None:
    schema = _emitted(Annotated[int, Field(gt=0, lt=10)])

    assert (schema["minimum"], schema["exclusiveMinimum"]) == (0, True)
    assert (schema["maximum"], schema["exclusiveMaximum"]) == (10, True)


def test_a_small_integer_is_int32_and_a_large_one_int64() -> None:
    assert _emitted(Annotated[int, Field(ge=0, le=2**31 - 1)])["format"] == "int32"
    assert _emitted(Annotated[int, Field(ge=0, le=2**31)])["format"] == "int64"


def test_a_constant_becomes_an_enumeration_of_one() -> None:
    assert _emitted(Literal["only"]) == {"type": "string", "enum": ["only"]}


def test_an_enumeration_lists_its_words_in_order() -> None:
    assert _emitted(Colour, Colour.BLUE) == {
        "type": "string",
        "description": "A colour.",
        "enum": ["Red", "Blue"],
        "default": "Blue",
    }


def test_a_reference_is_inlined_and_the_field_keeps_its_own_description() -> None:
    schema = _emitted(Annotated[Part, Field(description="The wheel.")])

    assert schema == {
        "type": "object",
        "description": "The wheel.",
        "properties": {"name": {"type": "string", "description": "Its name.", "maxLength": 8}},
        "required": ["name"],
    }


def test_the_default_of_an_object_is_left_to_its_fields() -> None:
    assert "default" not in _emitted(Part, Part(name="x"))


def test_an_empty_list_is_no_default() -> None:
    assert "default" not in _emitted(tuple[str, ...], ())


def test_money_is_a_string_with_a_pattern() -> None:
    schema = _emitted(Money, Decimal("1.50"))

    assert schema == {"type": "string", "pattern": r"^\d{1,9}(\.\d{1,6})?$", "maxLength": 16, "default": "1.50"}


def test_a_quantity_is_an_integer_or_a_string() -> None:
    schema = _emitted(Quantity)

    assert schema["x-kubernetes-int-or-string"] is True
    assert schema["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    assert "type" not in schema


def test_a_list_map_declares_its_keys_in_yaml_spelling() -> None:
    schema = _emitted(Annotated[tuple[Part, ...], Field(max_length=4), list_map("gpu_type")])

    assert schema["x-kubernetes-list-type"] == "map"
    assert schema["x-kubernetes-list-map-keys"] == ["gpuType"]
    assert schema["maxItems"] == 4


def test_a_set_keeps_its_bounds() -> None:
    schema = _emitted(Annotated[tuple[str, ...], Field(min_length=1, max_length=4), LIST_SET])

    assert (schema["x-kubernetes-list-type"], schema["minItems"], schema["maxItems"]) == ("set", 1, 4)


def test_rules_stand_in_the_schema_with_their_messages() -> None:
    class Ruled(ApiModel):
        rules = (Rule(cel="self.a == 'x'", message="a must be x"),)
        a: str

    assert structural_schema(Ruled)["x-kubernetes-validations"] == [{"rule": "self.a == 'x'", "message": "a must be x"}]


def test_titles_and_closed_objects_are_dropped() -> None:
    schema = structural_schema(Part)

    assert "title" not in schema
    assert "additionalProperties" not in schema


@pytest.mark.parametrize("annotation", [int | str, tuple[int, str], Part | Colour])
def test_what_a_structural_schema_cannot_say_is_refused(annotation: Any) -> None:
    with pytest.raises(CannotEmit, match=r"Model\.value"):
        _emitted(annotation)


def test_a_model_that_contains_itself_is_refused() -> None:
    with pytest.raises(CannotEmit, match="Tree contains itself"):
        structural_schema(Tree)
