"""Everything that was seen, as tables, with the few indices that decisions and reports ask for.

In: documents, by way of the tables. Out: values by key, owner or node, and news about changes for a `Listener`. All in
one event loop; nothing here waits. Must not decide who has to look again (`mapping.py` does).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from inferfleet.api.v1alpha1 import BudgetPolicy, GPUPool, GPUType, ModelProfile
from inferfleet.domain.children import ChildIdentity
from inferfleet.domain.keys import Key, Kind, NamespacedName
from inferfleet.domain.observed import Child, LabelSet, NodeFacts, PodFacts
from inferfleet.domain.resources import CHILDREN
from inferfleet.observe import objects, project_nodes
from inferfleet.observe.documents import labels_of
from inferfleet.observe.mapping import Listener
from inferfleet.observe.objects import InferenceDeploymentObject, Platform
from inferfleet.observe.project_children import child, since_template
from inferfleet.observe.project_pods import charged_to, pod_facts
from inferfleet.observe.table import Table
from inferfleet.observe.used_gpus import count_pod


class Store:
    """See the module. Call `listen` before documents arrive."""

    def __init__(self) -> None:
        """Start empty."""
        self._listener: Listener | None = None
        self.deployments: Table[Key, InferenceDeploymentObject] = Table(
            objects.inference_deployment,
            partial(Key, Kind.INFERENCE_DEPLOYMENT),
            on_change=self._tell("deployment"),
        )
        self.policies: Table[NamespacedName, Platform[BudgetPolicy]] = Table(
            objects.budget_policy, NamespacedName, on_change=self._tell("policy")
        )
        self.pools: Table[NamespacedName, Platform[GPUPool]] = Table(
            objects.gpu_pool, NamespacedName, on_change=self._tell("pool")
        )
        self.gpu_types: Table[NamespacedName, Platform[GPUType]] = Table(
            objects.gpu_type, NamespacedName, on_change=self._tell("catalog")
        )
        self.profiles: Table[NamespacedName, Platform[ModelProfile]] = Table(
            objects.model_profile, NamespacedName, on_change=self._tell("catalog")
        )
        self.nodes: Table[NamespacedName, NodeFacts] = Table(
            project_nodes.node_facts, NamespacedName, on_change=self._tell("node")
        )
        self.namespaces: Table[NamespacedName, tuple[str, LabelSet]] = Table(
            _namespace, NamespacedName, on_change=self._tell("namespace")
        )
        self.pods: Table[NamespacedName, PodFacts] = Table(self._pod, NamespacedName, on_change=self._pod_changed)
        self.children: Mapping[str, Table[NamespacedName, Child]] = {
            resource.kind: Table(self._child, NamespacedName, on_change=self._child_changed) for resource in CHILDREN
        }
        self.used: dict[str, dict[str, int]] = {}
        self._pods_of: dict[Key, dict[str, PodFacts]] = {}
        self._children_of: dict[Key, dict[ChildIdentity, Child]] = {}
        self._quiet = False

    def listen(self, listener: Listener) -> None:
        """Tell every later change to this listener."""
        self._listener = listener

    @contextmanager
    def own_write(self) -> Iterator[None]:
        """Take in answers to own writes: the listener is told not to wake anybody for them."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def take_child(self, document: Mapping[str, Any]) -> Child | None:
        """Take in the answer to a write of a child; returns what is known of it now."""
        metadata, table = document["metadata"], self.children[document["kind"]]
        with self.own_write():
            table.put(document)
        return table.get(NamespacedName(metadata["namespace"], metadata["name"]))

    def take_deployment(self, document: Mapping[str, Any]) -> None:
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
        return labels_of(namespace, {namespace: known[1]} if known else {})

    def _tell(self, kind: str) -> Callable[[Any, Any], None]:
        def tell(old: Any, new: Any) -> None:  # noqa: ANN401 - one function for tables of all value types
            if self._listener is not None:
                self._listener.changed(kind, old, new, quiet=self._quiet)

        return tell

    def _pod(self, document: Mapping[str, Any]) -> PodFacts | None:
        """Read a pod, and keep it with the deployment whose label it carried first."""
        metadata = document["metadata"]
        known = self.pods.get(NamespacedName(metadata.get("namespace") or "", metadata["name"]))
        return charged_to(known, pod_facts(document))

    def _child(self, document: Mapping[str, Any]) -> Child:
        metadata = document["metadata"]
        known = self.children[document["kind"]].get(NamespacedName(metadata["namespace"], metadata["name"]))
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
        self._tell("pod")(old, new)

    def _child_changed(self, old: Child | None, new: Child | None) -> None:
        for value, present in ((old, False), (new, True)):
            if value is None:
                continue
            mine = self._children_of.setdefault(value.key, {})
            _set(mine, value.identity, value if present else None)
            if not mine:
                del self._children_of[value.key]
        self._tell("child")(old, new)


def _set(mapping: dict[Any, Any], key: object, value: object | None) -> None:
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value


def _namespace(document: Mapping[str, Any]) -> tuple[str, LabelSet]:
    return document["metadata"]["name"], project_nodes.namespace_labels(document)
