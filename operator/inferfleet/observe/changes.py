"""What changed of one watched object, and who hears of it.

A `ChangeListener` has one method per watched kind, so a kind that nobody thought of is a type error and never news for
everybody. Must not say what follows from a change.
"""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from inferfleet.api.v1alpha1 import BudgetPolicy, GPUPool, GPUType, ModelProfile
from inferfleet.domain.observed import Child, NamespaceFacts, NodeFacts, PodFacts
from inferfleet.observe.objects import InferenceDeploymentObject, Platform

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Change(Generic[Value]):
    """An object before and after; None: it was not there, or is there no more.

    `own`: this is the answer to an own write, on which nobody needs to act.
    """

    old: Value | None
    new: Value | None
    own: bool = False

    @property
    def values(self) -> tuple[Value, ...]:
        """What is known of the object, the old before the new."""
        return tuple(value for value in (self.old, self.new) if value is not None)


class ChangeListener(Protocol):
    """Hears of every change of the store."""

    def deployment_changed(self, change: Change[InferenceDeploymentObject]) -> None:
        """An InferenceDeployment."""

    def child_changed(self, change: Change[Child]) -> None:
        """Something that one of ours owns."""

    def pod_changed(self, change: Change[PodFacts]) -> None:
        """A pod of ours, or one that requests GPUs."""

    def node_changed(self, change: Change[NodeFacts]) -> None:
        """A node with GPUs."""

    def namespace_changed(self, change: Change[NamespaceFacts]) -> None:
        """A namespace or its labels."""

    def pool_changed(self, change: Change[Platform[GPUPool]]) -> None:
        """A GPUPool."""

    def gpu_type_changed(self, change: Change[Platform[GPUType]]) -> None:
        """A GPUType."""

    def profile_changed(self, change: Change[Platform[ModelProfile]]) -> None:
        """A ModelProfile."""

    def policy_changed(self, change: Change[Platform[BudgetPolicy]]) -> None:
        """A BudgetPolicy."""
