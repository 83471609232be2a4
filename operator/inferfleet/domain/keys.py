"""Which object is meant: keys of what is reconciled, and names of everything else that is watched."""

from enum import StrEnum
from typing import NamedTuple

from inferfleet.api.v1alpha1 import InferenceDeployment


class Kind(StrEnum):
    """The kinds that are reconciled: they have keys in the work queue, own children, and get a status."""

    INFERENCE_DEPLOYMENT = InferenceDeployment.definition.kind

    @property
    def controller(self) -> str:
        """What its controller is called in metrics: the kind in small letters, as controller-runtime has it."""
        return self.lower()


class Key(NamedTuple):
    """One object to reconcile."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class NamespacedName(NamedTuple):
    """One object of a known kind; the namespace of cluster-scoped objects is empty."""

    namespace: str
    name: str
