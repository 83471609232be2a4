"""Everything that was seen, as tables, with the few indices that decisions and reports ask for.

In: documents, by way of the tables. Out: values by key, owner or node, and changes for a `ChangeListener`. All in one
event loop; nothing here waits. Must not decide who has to look again (the listener does).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from inferfleet.api.v1alpha1 import BudgetPolicy, GPUPool, GPUType, ModelProfile
from inferfleet.domain.children import ChildIdentity
from inferfleet.domain.keys import Key, Kind, NamespacedName
from inferfleet.domain.observed import Child, LabelSet, NamespaceFacts, NodeFacts, PodFacts
from inferfleet.domain.resources import CHILD_OF_KIND, CHILDREN, Document, Resource
from inferfleet.observe import objects, project_nodes
from inferfleet.observe.changes import Change, ChangeListener, Value
from inferfleet.observe.documents import labels_of
from inferfleet.observe.objects import InferenceDeploymentObject, Platform
from inferfleet.observe.project_children import child, since_template
from inferfleet.observe.project_pods import charged_to, pod_facts
from inferfleet.observe.table import OnChange, Table
from inferfleet.observe.used_gpus import count_pod


class Store:
    """See the module. Call `listen` before documents arrive."""

    def __init__(self) -> None:
        """Start empty."""
        self._listener: ChangeListener | None = None
        self.deployments: Table[Key, InferenceDeploymentObject] = Table(
            objects.inference_deployment,
            partial(Key, Kind.INFERENCE_DEPLOYMENT),
            on_change=self._tell(lambda to: to.deployment_changed),
        )
        self.policies: Table[NamespacedName, Platform[BudgetPolicy]] = Table(
            objects.budget_policy, NamespacedName, on_change=self._tell(lambda to: to.policy_changed)
        )
        self.pools: Table[NamespacedName, Platform[GPUPool]] = Table(
            objects.gpu_pool, NamespacedName, on_change=self._tell(lambda to: to.pool_changed)
        )
        self.gpu_types: Table[NamespacedName, Platform[GPUType]] = Table(
            objects.gpu_type, NamespacedName, on_change=self._tell(lambda to: to.gpu_type_changed)
        )
        self.profiles: Table[NamespacedName, Platform[ModelProfile]] = Table(
            objects.model_profile, NamespacedName, on_change=self._tell(lambda to: to.profile_changed)
        )
        self.nodes: Table[NamespacedName, NodeFacts] = Table(
            project_nodes.node_facts, NamespacedName, on_change=self._tell(lambda to: to.node_changed)
        )
        self.namespaces: Table[NamespacedName, NamespaceFacts] = Table(
            project_nodes.namespace_facts, NamespacedName, on_change=self._tell(lambda to: to.namespace_changed)
        )
        self.pods: Table[NamespacedName, PodFacts] = Table(self._pod, NamespacedName, on_change=self._pod_changed)
        self.children: Mapping[Resource, Table[NamespacedName, Child]] = {
            resource: Table(self._child, NamespacedName, on_change=self._child_changed) for resource in CHILDREN
        }
        self.used: dict[str, dict[str, int]] = {}
        self._pods_of: dict[Key, dict[str, PodFacts]] = {}
        self._children_of: dict[Key, dict[ChildIdentity, Child]] = {}
        self._tell_of_pod: OnChange[PodFacts] = self._tell(lambda to: to.pod_changed)
        self._tell_of_child: OnChange[Child] = self._tell(lambda to: to.child_changed)
        self._own_write = False

    def listen(self, listener: ChangeListener) -> None:
        """Tell every later change to this listener."""
        self._listener = listener

    @contextmanager
    def own_write(self) -> Iterator[None]:
        """Take in answers to own writes: the listener is told that they are."""
        self._own_write = True
        try:
            yield
        finally:
            self._own_write = False

    def take_child(self, document: Document) -> Child | None:
        """Take in the answer to a write of a child; returns what is known of it now."""
        metadata, table = document["metadata"], self.children[CHILD_OF_KIND[document["kind"]]]
        with self.own_write():
            table.put(document)
        return table.get(NamespacedName(metadata["namespace"], metadata["name"]))

    def take_deployment(self, document: Document) -> None:
        """Take in the answer to a write of a deployment's status."""
        with self.own_write():
            self.deployments.put(document)

    def pods_of(self, key: Key) -> tuple[PodFacts, ...]:
        """Return the pods that carry the label of this deployment, or once did, sorted by name."""
        return tuple(sorted(self._pods_of.get(key, {}).values(), key=lambda pod: pod.name))

    def children_of(self, key: Key) -> Mapping[ChildIdentity, Child]:
        """Return the objects that carry the label of this deployment, whoever controls them."""
        return self._children_of.get(key, {})

    def namespace_labels(self, namespace: str) -> LabelSet:
        """Return the labels of a namespace, at least the one with its name."""
        known = self.namespaces.get(NamespacedName("", namespace))
        return labels_of(namespace, {namespace: known.labels} if known else {})

    def _tell(self, method: Callable[[ChangeListener], Callable[[Change[Value]], None]]) -> OnChange[Value]:
        """Return what a table calls to tell its changes by this method of the listener."""

        def tell(old: Value | None, new: Value | None) -> None:
            if self._listener is not None:
                method(self._listener)(Change(old, new, own=self._own_write))

        return tell

    def _pod(self, document: Document) -> PodFacts | None:
        """Read a pod, and keep it with the deployment whose label it carried first."""
        metadata = document["metadata"]
        known = self.pods.get(NamespacedName(metadata.get("namespace") or "", metadata["name"]))
        return charged_to(known, pod_facts(document))

    def _child(self, document: Document) -> Child:
        metadata = document["metadata"]
        known = self.children[CHILD_OF_KIND[document["kind"]]].get(
            NamespacedName(metadata["namespace"], metadata["name"])
        )
        return since_template(known, child(document))

    def _pod_changed(self, old: PodFacts | None, new: PodFacts | None) -> None:
        for pod, sign in ((old, -1), (new, 1)):
            if pod is None:
                continue
            count_pod(self.used, pod, sign)
            if pod.deployment:
                mine = self._pods_of.setdefault(pod.key, {})
                _set(mine, pod.uid, pod if sign > 0 else None)
                if not mine:
                    del self._pods_of[pod.key]
        self._tell_of_pod(old, new)

    def _child_changed(self, old: Child | None, new: Child | None) -> None:
        for value, present in ((old, False), (new, True)):
            if value is None:
                continue
            mine = self._children_of.setdefault(value.key, {})
            _set(mine, value.identity, value if present else None)
            if not mine:
                del self._children_of[value.key]
        self._tell_of_child(old, new)


def _set(mapping: dict[Any, Any], key: object, value: object | None) -> None:
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value
