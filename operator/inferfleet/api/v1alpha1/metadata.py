"""The part of `metadata` that Inferfleet reads, and references to other objects.

In: `metadata` as the API server or a YAML file gives it; unknown parts of it are ignored. Out: frozen values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import ConfigDict, Field

from inferfleet.api.enums import SelectorOperator, TaintEffect, TolerationOperator
from inferfleet.api.lists import ATOMIC
from inferfleet.api.model import ApiModel, Rule
from inferfleet.api.scalars import Flag, Integer, LabelKey, LabelValue, ObjectName, SecretKey, Timestamp


class OwnerReference(ApiModel):
    """Who owns an object."""

    model_config = ConfigDict(extra="ignore")

    api_version: str
    """Group and version of the owner."""
    kind: str
    """Kind of the owner."""
    name: str
    """Name of the owner."""
    uid: str
    """UID of the owner."""
    controller: Flag = False
    """Whether this owner controls the object."""


class ObjectMeta(ApiModel):
    """What Inferfleet reads of an object's metadata."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(min_length=1)
    """Name of the object."""
    namespace: str | None = None
    """Namespace; None for cluster-scoped kinds."""
    uid: str = ""
    """Identity given by the API server; empty in files."""
    generation: int = 1
    """Counts the changes of spec; 1 in files."""
    resource_version: str = ""
    """Version of the stored object; empty in files."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations."""
    creation_timestamp: Timestamp | None = None
    """When the API server stored the object first; None in files."""
    deletion_timestamp: Timestamp | None = None
    """When deletion was asked for; None while it was not."""
    owner_references: tuple[OwnerReference, ...] = ()
    """Owners."""


class ObjectReference(ApiModel):
    """Another object by name, in the same namespace where it has one."""

    name: ObjectName
    """Name of the object."""


class SecretKeyReference(ApiModel):
    """One key of a Secret in the same namespace. Mounted by reference; the operator never reads it."""

    name: ObjectName
    """Name of the Secret."""
    key: SecretKey
    """Key inside the Secret."""


class SecretReference(ApiModel):
    """A Secret in the same namespace. Mounted by reference; the operator never reads it."""

    name: ObjectName
    """Name of the Secret."""


class SelectorRequirement(ApiModel):
    """One condition on a label."""

    rules = (
        Rule(
            cel="self.operator in ['In', 'NotIn'] ? has(self.values) : !has(self.values)",
            message="values is required for In and NotIn, and forbidden for Exists and DoesNotExist",
            holds=lambda r: (r.operator in (SelectorOperator.IN, SelectorOperator.NOT_IN)) == bool(r.values),
        ),
    )

    key: LabelKey
    """The label."""
    operator: SelectorOperator
    """How the label is compared with values."""
    values: Annotated[tuple[LabelValue, ...], Field(min_length=1, max_length=32), ATOMIC] = ()
    """The values, for In and NotIn."""


class LabelSelector(ApiModel):
    """Selects by labels; the empty selector matches everything. All conditions must hold."""

    match_labels: dict[str, LabelValue] = Field(default_factory=dict, max_length=32)
    """Labels that must have exactly these values."""
    match_expressions: Annotated[tuple[SelectorRequirement, ...], Field(min_length=1, max_length=16), ATOMIC] = ()
    """Further conditions on labels."""


def selects(selector: LabelSelector | None, labels: Mapping[str, str] | Iterable[tuple[str, str]]) -> bool:
    """Return whether a selector selects an object with these labels, as Kubernetes defines it.

    The empty selector selects everything, an absent one nothing (k8s.io/apimachinery, LabelSelectorAsSelector).
    """
    if selector is None:
        return False
    carried = dict(labels)
    return all(carried.get(key) == value for key, value in selector.match_labels.items()) and all(
        _holds(requirement, carried) for requirement in selector.match_expressions
    )


def _holds(requirement: SelectorRequirement, labels: Mapping[str, str]) -> bool:
    """Evaluate one requirement; NotIn also holds when the label is absent (k8s.io/apimachinery/pkg/labels)."""
    match requirement.operator:
        case SelectorOperator.IN:
            return labels.get(requirement.key) in requirement.values
        case SelectorOperator.NOT_IN:
            return labels.get(requirement.key) not in requirement.values
        case SelectorOperator.EXISTS:
            return requirement.key in labels
        case SelectorOperator.DOES_NOT_EXIST:
            return requirement.key not in labels


class Toleration(ApiModel):
    """Lets pods onto nodes with a matching taint."""

    rules = (
        Rule(
            cel="self.operator == 'Exists' ? !has(self.value) || self.value == '' : has(self.key)",
            message="value is forbidden with operator Exists, and key is required with operator Equal",
            holds=lambda t: not t.value if t.operator == TolerationOperator.EXISTS else t.key is not None,
        ),
    )

    key: LabelKey | None = None
    """Key of the taint; absent with operator Exists: every taint."""
    operator: TolerationOperator = TolerationOperator.EQUAL
    """How value is compared."""
    value: LabelValue | None = None
    """Value of the taint, for Equal."""
    effect: TaintEffect | None = None
    """Effect of the taint; absent: every effect."""
    toleration_seconds: Annotated[Integer, Field(ge=0, le=2_147_483_647)] | None = None
    """How long a NoExecute taint is tolerated, in seconds; absent: for ever."""
