"""What every kind has in common: the envelope around spec and status, and how the kind presents itself to kubectl.

In: class bodies of the kinds. Out: `Resource`, the base of all kinds, and `KindDefinition`, all about a kind that
is not a field. This file must not know any kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from inferfleet.api.model import ApiModel
from inferfleet.api.v1alpha1.metadata import ObjectMeta

GROUP = "inferfleet.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of `kubectl get`. Priority 0 is always shown, 1 with `-o wide`."""

    name: str
    json_path: str
    type: Literal["string", "integer", "date"] = "string"
    priority: Literal[0, 1] = 0
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where the scale subresource finds its numbers, so that people, HPA and KEDA can set the count."""

    spec_replicas_path: str
    status_replicas_path: str
    label_selector_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KindDefinition:
    """Everything about a kind that is not a field."""

    kind: str
    plural: str
    short_name: str
    namespaced: bool
    columns: tuple[Column, ...]
    scale: Scale | None = None

    @property
    def crd_name(self) -> str:
        """The name of the CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"

    @property
    def file_name(self) -> str:
        """The name of the generated file under `crds/`."""
        return f"{GROUP}_{self.plural}.yaml"


def ready_columns() -> tuple[Column, ...]:
    """Return the columns with which every kind ends: ready or not, why, and since when the object exists."""
    ready = '.status.conditions[?(@.type=="Ready")]'
    return (
        Column(name="Ready", json_path=f"{ready}.status", description="Whether all is well."),
        Column(name="Reason", json_path=f"{ready}.reason", description="Why it is ready or not."),
        Column(name="Message", json_path=f"{ready}.message", priority=1, description="The reason with its numbers."),
        Column(name="Age", json_path=".metadata.creationTimestamp", type="date", description="Time since creation."),
    )


class Resource(ApiModel):
    """A Kubernetes object of one of our kinds. Subclasses add `kind`, `spec` and `status`."""

    definition: ClassVar[KindDefinition]

    api_version: Literal["inferfleet.dev/v1alpha1"] = Field(default="inferfleet.dev/v1alpha1")
    """Group and version."""
    metadata: ObjectMeta
    """Name, namespace, labels and what the API server adds."""
