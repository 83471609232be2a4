"""From "this changed" to "these deployments have to be looked at again".

In: the old and new value of anything watched. Out: calls to a `Sink`, which knows the deployments. A change of a
child or pod asks for a new look; a change of what decisions depend on asks for a new decision. Must not decide
anything else.
"""

from typing import Any, Protocol

from inferfleet.api.v1alpha1 import GPUPool
from inferfleet.domain.keys import Key
from inferfleet.domain.observed import Child, NodeFacts, PodFacts
from inferfleet.observe.objects import InferenceDeploymentObject, Platform, Unreadable


class Sink(Protocol):
    """Who is woken. `decide` asks for a new decision, otherwise the last one is carried out and reported again."""

    def wake(self, key: Key, *, decide: bool) -> None:
        """One deployment, soon."""

    def touched(self, key: Key) -> None:
        """Say that something about a deployment changed: what was worked out of it is out of date. Wakes nobody."""

    def wake_namespace(self, namespace: str) -> None:
        """Every deployment of a namespace, soon."""

    def wake_waiting(self) -> None:
        """Those that wait for GPUs or money, soon."""

    def wake_nodes(self, nodes: tuple[NodeFacts, ...]) -> None:
        """Those that wait, and those that run in the pools of these nodes."""

    def wake_priced(self, pool: str) -> None:
        """Those for which the price of a pool may matter: they run there, or could."""

    def wake_priced_type(self, gpu_type: str) -> None:
        """The same for all pools that take their price from a GPU type."""

    def wake_all(self) -> None:
        """Every deployment, when there is time: what all decisions depend on changed."""

    def removed(self, item: InferenceDeploymentObject) -> None:
        """Say that a deployment is gone, with what it held."""


class Listener:
    """Hears about every change of the store."""

    def __init__(self, sink: Sink) -> None:
        """Send everything to one sink."""
        self._sink = sink

    def changed(self, kind: str, old: Any, new: Any, *, quiet: bool) -> None:  # noqa: ANN401 - values of all tables
        """Dispatch on the kind of thing. `quiet`: it is the answer to an own write, which nobody needs to act on."""
        match kind:
            case "deployment":
                self._deployment(old, new, quiet=quiet)
            case "child":
                self._child(old, new, quiet=quiet)
            case "pod":
                self._pod(old, new)
            case "node":
                self._sink.wake_nodes(tuple(node for node in (old, new) if node is not None))
            case "namespace":
                self._sink.wake_namespace((new or old)[0])
            case "pool":
                self._pool(old, new)
            case "catalog":
                self._catalog(old, new)
            case _:
                self._sink.wake_all()

    def _deployment(
        self, old: InferenceDeploymentObject | None, new: InferenceDeploymentObject | None, *, quiet: bool
    ) -> None:
        if old is not None and (new is None or new.uid != old.uid):
            self._sink.removed(old)
        if new is not None:
            self._sink.touched(new.key)
            if not quiet:
                self._sink.wake(new.key, decide=True)

    def _pool(self, old: Platform[GPUPool] | None, new: Platform[GPUPool] | None) -> None:
        if old is not None and new is not None and _but_for(old, new, "usd_per_gpu_hour"):
            self._sink.wake_priced(new.name)
        else:
            self._sink.wake_all()

    def _catalog(self, old: Platform[Any] | None, new: Platform[Any] | None) -> None:
        if old is not None and new is not None and _but_for(old, new, "prices"):
            self._sink.wake_priced_type(new.name)
        else:
            self._sink.wake_all()

    def _child(self, old: Child | None, new: Child | None, *, quiet: bool) -> None:
        for value in (old, new):
            if value is not None:
                self._sink.touched(value.key)
                if not quiet:
                    self._sink.wake(value.key, decide=False)
        if new is not None and new.ended and not (old is not None and old.ended):
            # Its pods went before, when nobody could know that the money is free as well.
            self._sink.wake(new.key, decide=True)
            self._sink.wake_waiting()

    def _pod(self, old: PodFacts | None, new: PodFacts | None) -> None:
        pod = new or old
        if pod is not None and pod.deployment:
            self._sink.touched(pod.key)
            self._sink.wake(pod.key, decide=False)
        if old is not None and old.occupies_node and old.requests and (new is None or not new.occupies_node):
            self._sink.wake_waiting()


def _but_for(old: Platform[Any], new: Platform[Any], name: str) -> bool:
    """Whether two versions of an object say the same in everything but this field of the spec, and differ there."""
    if isinstance(old.content, Unreadable) or isinstance(new.content, Unreadable):
        return False
    before, after = old.content.spec, new.content.spec
    if not hasattr(before, name) or getattr(before, name) == getattr(after, name):
        return False
    return bool(before == after.model_copy(update={name: getattr(before, name)}))
