"""The border: documents in, typed objects out, and back; the registry of kinds.

In: one Kubernetes object as JSON or YAML gives it (dicts, lists, scalars). Out: the frozen model of its kind, or
`InvalidObject`, which names object, field, value and what would be accepted. This file must not read files and must not
know what a field means.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sized
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from inferfleet.api.v1alpha1 import (
    API_VERSION,
    BudgetPolicy,
    GPUPool,
    GPUType,
    InferenceDeployment,
    InferenceRoute,
    ModelProfile,
    Resource,
)

KINDS: Mapping[str, type[Resource]] = MappingProxyType(
    {
        model.definition.kind: model
        for model in (InferenceDeployment, InferenceRoute, BudgetPolicy, GPUPool, GPUType, ModelProfile)
    }
)
"""Every kind by its name."""

R = TypeVar("R", bound=Resource)

_SHOWN_VALUE = 80
_SHOWN_PROBLEMS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """One thing that is wrong with an object."""

    path: str
    """The field in YAML spelling, such as `spec.traffic.requestsPerSecond`; empty for the object itself."""
    value: str
    """What stands there, shortened; empty where something is missing or the value says nothing."""
    message: str
    """What would be accepted."""

    def __str__(self) -> str:
        shown = f" ({self.value})" if self.value else ""
        return f"{self.path or 'object'}{shown}: {self.message}"


class InvalidObject(ValueError):  # noqa: N818 - it is the object that is invalid, and callers read it so
    """An object that breaks its schema or a rule."""

    def __init__(self, *, kind: str, namespace: str | None, name: str, problems: tuple[FieldProblem, ...]) -> None:
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.problems = problems
        super().__init__(str(self))

    @property
    def summary(self) -> str:
        """The problems without the object's name, for a condition on the object itself."""
        shown = [str(problem) for problem in self.problems[:_SHOWN_PROBLEMS]]
        hidden = len(self.problems) - len(shown)
        return "; ".join([*shown, f"and {hidden} more"] if hidden > 0 else shown)

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {where}: {self.summary}"


def parse(document: Mapping[str, Any]) -> Resource:
    """Return the typed object of a document of any of our kinds.

    A namespaced object without a namespace gets `default`, as with kubectl. Raises `InvalidObject`, also for an unknown
    kind or version.
    """
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise _invalid(document, FieldProblem(path="kind", value=_shown(kind), message=f"must be {_one_of(KINDS)}"))
    return parse_as(KINDS[kind], document)


def parse_as(model: type[R], document: Mapping[str, Any]) -> R:
    """Return the document as this kind. Raises `InvalidObject`."""
    version = document.get("apiVersion")
    if version != API_VERSION:
        problem = FieldProblem(path="apiVersion", value=_shown(version), message=f"must be {API_VERSION}")
        raise _invalid(document, problem)
    try:
        return model.model_validate(_normalised(document, model), by_alias=True, by_name=False)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        raise _invalid(document, *(_problem(item, model) for item in details if not _miscounted(item))) from error


def dump(resource: BaseModel) -> dict[str, Any]:
    """Return an object, or a part of one, as JSON types in YAML spelling, without absent fields and empty lists.

    An empty list is dropped because the schema knows none: absent means the same and every list has at least one entry.
    An empty status and metadata that nobody set are dropped as well.
    """
    document: dict[str, Any] = _without_empty_lists(resource.model_dump(mode="json", by_alias=True, exclude_none=True))
    if isinstance(resource, Resource):
        document["metadata"] = resource.metadata.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        if document["status"] == {}:
            del document["status"]
    return document


def _normalised(document: Mapping[str, Any], model: type[Resource]) -> dict[str, Any]:
    """Do what kubectl and the API server do before validation: drop nulls, and put the object into a namespace."""
    cleaned: dict[str, Any] = _without_nulls(dict(document))
    metadata = cleaned.get("metadata")
    if isinstance(metadata, dict) and model.definition.namespaced:
        cleaned["metadata"] = {"namespace": "default", **metadata}
    return cleaned


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - JSON is dynamically typed
    """Drop null fields at every depth: in a non-nullable schema a null means absent."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _without_empty_lists(value: Any) -> Any:  # noqa: ANN401 - JSON is dynamically typed
    if isinstance(value, dict):
        return {key: _without_empty_lists(item) for key, item in value.items() if item != []}
    if isinstance(value, list):
        return [_without_empty_lists(item) for item in value]
    return value


def _invalid(document: Mapping[str, Any], *problems: FieldProblem) -> InvalidObject:
    metadata = document.get("metadata")
    named = metadata if isinstance(metadata, Mapping) else {}
    return InvalidObject(
        kind=str(document.get("kind") or "object"),
        namespace=str(named["namespace"]) if named.get("namespace") else None,
        name=str(named.get("name") or "without a name"),
        problems=problems,
    )


def _miscounted(detail: ErrorDetails) -> bool:
    """Whether a list counts as too short only because entries that are wrong, and reported as such, were left out."""
    entries = detail["input"]
    return detail["type"] == "too_short" and isinstance(entries, Sized) and len(entries) >= detail["ctx"]["min_length"]


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> FieldProblem:
    """Return what pydantic found, in our words."""
    location = detail["loc"]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return FieldProblem(path=path, value="", message=_unknown_field(location, model))
        case "missing":
            return FieldProblem(path=path, value="", message="is required")
        case "enum" | "literal_error":
            message = f"must be {context['expected']}"
        case "string_pattern_mismatch":
            message = f"must match {context['pattern']}"
        case "rule":
            return FieldProblem(path=path, value="", message=detail["msg"])
        case "too_short":
            message = f"must have at least {context['min_length']} entry; leave the field out for none"
        case "string_type":
            message = "must be a string, in quotes"
        case "tuple_type":
            message = "must be a list"
        case _:
            message = detail["msg"].removeprefix("Input ").replace("should be", "must be").replace("should", "must")
    return FieldProblem(path=path, value=_shown(detail["input"]), message=message)


def _unknown_field(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """List the fields that are known where an unknown one stands, and the likeliest one."""
    owner = _model_at(location[:-1], model)
    if owner is None:
        return "is not a known field"
    known = [field.alias or name for name, field in owner.model_fields.items()]
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    guess = f"did you mean {close[0]}? " if close else ""
    return f"is not a known field; {guess}Known here: {', '.join(known)}"


def _model_at(location: tuple[int | str, ...], model: type[BaseModel]) -> type[BaseModel] | None:
    """Return the model that stands at a path of YAML names, or None where the path leaves the models."""
    current: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, int) or current is None:
            continue
        field = next((f for name, f in current.model_fields.items() if part in (f.alias, name)), None)
        current = None if field is None else _model_in(field.annotation)
    return current


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Return the model inside `X`, `X | None`, `tuple[X, ...]` or an annotated form of these."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _shown(value: object) -> str:
    """Print a value short enough for a message; structures are not worth printing."""
    if value is None or isinstance(value, Mapping | list | tuple | BaseModel):
        return ""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_VALUE else f"{text[:_SHOWN_VALUE]}..."


def _one_of(names: Mapping[str, object]) -> str:
    return "one of " + ", ".join(names)
