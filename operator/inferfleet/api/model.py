"""The base classes of the API models: immutable, camelCase in YAML, strict about unknown fields, with their rules.

In: class bodies. Out: the base classes `ApiModel` (what users write), `StatusModel` (what the operator wrote, perhaps
an older one) and `Rule`, a cross-field rule that exists twice: as CEL for the API server and as Python for offline
files. A test keeps the two in agreement. This file must not know any kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

_UNITS = {"usd": "USD", "gpu": "GPU", "mib": "MiB", "gib": "GiB", "gbps": "GBps", "tflops": "TFLOPS"}


def camel_case(name: str) -> str:
    """Return the YAML name of a snake_case attribute; currencies, units and GPU keep their usual capitals.

    >>> camel_case("usd_per_gpu_hour"), camel_case("weights_gib")
    ('usdPerGPUHour', 'weightsGiB')
    """
    first, *rest = name.split("_")
    return first + "".join(_UNITS.get(word, word.capitalize()) for word in rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule over several fields of one object.

    `cel` is what the API server evaluates, `message` what the user reads, `holds` the same rule over the parsed model.
    A transition rule compares with the stored object (`oldSelf`), which a file does not have: its `holds` is always
    true.
    """

    cel: str
    message: str
    holds: Callable[[Any], bool] = lambda _: True


class ApiModel(BaseModel):
    """Base of everything that a user writes. Unknown fields are errors here; the API server prunes them."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=camel_case,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="after")
    def _keep_the_rules(self) -> Self:
        for rule in self.rules:
            if not rule.holds(self):
                raise PydanticCustomError("rule", "{message}", {"message": rule.message})
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Carry the rules into the JSON schema, where the emitter finds them under their Kubernetes name."""
        reference = handler(core_schema)
        if cls.rules:
            schema = handler.resolve_ref_schema(reference)
            schema["x-kubernetes-validations"] = [{"rule": rule.cel, "message": rule.message} for rule in cls.rules]
        return reference


class StatusModel(ApiModel):
    """Base of what the operator writes and reads back. Another version may have written it: unknown fields pass."""

    model_config = ConfigDict(extra="ignore")


class RebuildableStatus(StatusModel):
    """A root status that can be computed again: an unreadable field is dropped instead of blocking the object."""

    @model_validator(mode="wrap")
    @classmethod
    def _drop_unreadable_fields(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            if not isinstance(data, dict):
                raise
            unreadable = {detail["loc"][0] for detail in error.errors(include_url=False) if detail["loc"]}
            return handler({name: value for name, value in data.items() if name not in unreadable})
