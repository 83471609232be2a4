"""Who has to be looked at again: hears of every change, in front of the work queue.

In: changes from the store, one method per kind. Out: keys in the queue, and for each whether a new decision is due. A
change of a child or a pod asks for a new look, a change of what decisions depend on for a new decision. Must not look
at what a change says beyond whom it concerns.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from inferfleet.api.v1alpha1 import BudgetPolicy, GPUPool, GPUType, ModelProfile
from inferfleet.domain.keys import Key
from inferfleet.domain.observed import Child, NamespaceFacts, NodeFacts, PodFacts
from inferfleet.observe.changes import Change
from inferfleet.observe.objects import InferenceDeploymentObject, Platform, Unreadable
from inferfleet.observe.pools import members
from inferfleet.observe.store import Store
from inferfleet.runtime.queue import KeyedQueue, Lane

# Changes that concern many come in bursts (a pool of nodes, a thousand pods); one round answers all of it.
_GATHER_SECONDS = 0.2


class Enqueuer:
    """See the module; implements `inferfleet.observe.changes.ChangeListener`."""

    def __init__(
        self,
        store: Store,
        queue: KeyedQueue[Key],
        *,
        on_touched: Callable[[Key], None],
        on_removed: Callable[[InferenceDeploymentObject], None],
    ) -> None:
        """`on_touched` and `on_removed` hear of changes before anybody is woken."""
        self._store = store
        self._queue = queue
        self._on_touched = on_touched
        self._on_removed = on_removed
        self._undecided: set[Key] = set()
        self._waiting: set[Key] = set()
        self._pools_of: dict[Key, frozenset[str]] = {}
        self._priced_by: dict[Key, frozenset[str]] = {}
        self._rounds: dict[tuple[Callable[..., None], tuple[str, ...]], asyncio.TimerHandle] = {}

    def deployment_changed(self, change: Change[InferenceDeploymentObject]) -> None:
        """Decide for the deployment; what one that is gone held is free for others."""
        old, new = change.old, change.new
        if old is not None and (new is None or new.uid != old.uid):
            self._on_removed(old)
            self._queue.add(old.key)
            self.wake_waiting()
        if new is not None:
            self._on_touched(new.key)
            if not change.own:
                self.wake(new.key, decide=True)

    def child_changed(self, change: Change[Child]) -> None:
        """Look at the owner; of a Job that ended the money is free."""
        old, new = change.old, change.new
        for child in change.values:
            self._on_touched(child.key)
            if not change.own:
                self.wake(child.key, decide=False)
        if new is not None and new.ended and not (old is not None and old.ended):
            # Its pods went before, when nobody could know that the money is free as well.
            self.wake(new.key, decide=True)
            self.wake_waiting()

    def pod_changed(self, change: Change[PodFacts]) -> None:
        """Look at the deployment of the pod; GPUs that a pod leaves are free for those that wait."""
        old, new = change.old, change.new
        *_, pod = change.values
        if pod.deployment:
            self._on_touched(pod.key)
            self.wake(pod.key, decide=False)
        if old is not None and old.occupies_node and old.requests and (new is None or not new.occupies_node):
            self.wake_waiting()

    def node_changed(self, change: Change[NodeFacts]) -> None:
        """Decide for those that wait, and for those that run in the node's pools."""
        self.wake_waiting()
        for pool in self._pools_with(change.values):
            self._in_a_moment(self._wake_pool, pool)

    def namespace_changed(self, change: Change[NamespaceFacts]) -> None:
        """Decide for every deployment of the namespace, and for those that may get what it held of a budget."""
        *_, namespace = change.values
        for key in self._store.deployments.keys():  # noqa: SIM118 - a table, not a dict
            if key.namespace == namespace.name:
                self._on_touched(key)
                self.wake(key, decide=True)
        self.wake_waiting()

    def pool_changed(self, change: Change[Platform[GPUPool]]) -> None:
        """Decide for those that run in the pool or could, where only its price changed; otherwise for everybody."""
        pool = _only_priced_anew(change, "usd_per_gpu_hour")
        if pool is None:
            self._wake_everybody_soon()
        else:
            self._in_a_moment(self._wake_priced, pool)

    def gpu_type_changed(self, change: Change[Platform[GPUType]]) -> None:
        """Decide for those whose pools take their price from the type, where only that changed; or for everybody."""
        gpu_type = _only_priced_anew(change, "prices")
        if gpu_type is None:
            self._wake_everybody_soon()
            return
        for item in self._store.pools.values():
            spec = None if isinstance(item.content, Unreadable) else item.content.spec
            if spec is not None and spec.gpu_type == gpu_type and spec.usd_per_gpu_hour is None:
                self._in_a_moment(self._wake_priced, item.name)

    def profile_changed(self, change: Change[Platform[ModelProfile]]) -> None:
        """Decide for everybody: a profile may describe anybody's model."""
        del change
        self._wake_everybody_soon()

    def policy_changed(self, change: Change[Platform[BudgetPolicy]]) -> None:
        """Decide for everybody: a policy may pay for any namespace."""
        del change
        self._wake_everybody_soon()

    def model_answered(self, model_id: str) -> None:
        """Decide for every deployment of a model: more is known about it."""
        for item in self._store.deployments.values():
            if item.spec is not None and item.spec.model.id == model_id:
                self.wake(item.key, decide=True)

    def wake(self, key: Key, *, decide: bool, lane: Lane = Lane.HIGH) -> None:
        """Look at a deployment again, with a new decision or without."""
        if decide:
            self._undecided.add(key)
        self._queue.add(key, lane)

    def wake_waiting(self) -> None:
        """Decide again, in a moment, for those that wait for GPUs or money."""
        if self._waiting:
            self._in_a_moment(self._wake_waiting)

    def wake_everybody(self) -> None:
        """Decide again for everybody, now."""
        for key in self._store.deployments.keys():  # noqa: SIM118 - a table, not a dict
            self.wake(key, decide=True, lane=Lane.LOW)

    def decide_later(self, key: Key) -> None:
        """Have a new decision made when the key comes next, without waking it."""
        self._undecided.add(key)

    def take_undecided(self, key: Key) -> bool:
        """Tell whether a new decision is due, and forget it."""
        due = key in self._undecided
        self._undecided.discard(key)
        return due

    def decided(self, key: Key, *, waiting: bool, pools: frozenset[str], priced: frozenset[str]) -> None:
        """Remember what a deployment waits for, the pools that it runs in, and those whose price matters to it."""
        if waiting:
            self._waiting.add(key)
        else:
            self._waiting.discard(key)
        self._pools_of[key] = pools
        self._priced_by[key] = priced | pools

    def forget(self, key: Key) -> None:
        """Forget a deployment that is gone."""
        self._waiting.discard(key)
        self._undecided.discard(key)
        self._pools_of.pop(key, None)
        self._priced_by.pop(key, None)

    def _pools_with(self, nodes: Iterable[NodeFacts]) -> frozenset[str]:
        """Return the pools that select one of these nodes."""
        nodes = tuple(nodes)
        return frozenset(
            item.name
            for item in self._store.pools.values()
            if not isinstance(item.content, Unreadable) and any(members(item.content.spec.node_selector.items(), nodes))
        )

    def _wake_everybody_soon(self) -> None:
        self._in_a_moment(self.wake_everybody)

    def _wake_waiting(self) -> None:
        self._decide_for(self._waiting)

    def _wake_pool(self, pool: str) -> None:
        self._decide_for(key for key, pools in self._pools_of.items() if pool in pools)

    def _wake_priced(self, pool: str) -> None:
        self._decide_for(key for key, pools in self._priced_by.items() if pool in pools)

    def _decide_for(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self.wake(key, decide=True, lane=Lane.LOW)

    def _in_a_moment(self, action: Callable[..., None], *arguments: str) -> None:
        """Call the action once for all that ask for it within a moment."""
        call = (action, arguments)
        if call in self._rounds:
            return

        def act() -> None:
            del self._rounds[call]
            action(*arguments)

        self._rounds[call] = asyncio.get_running_loop().call_later(_GATHER_SECONDS, act)


def _only_priced_anew(change: Change[Platform[Any]], price: str) -> str | None:
    """Return the name of an object of which nothing but its price changed, this field of its spec; None otherwise."""
    old, new = change.old, change.new
    if old is None or new is None or isinstance(old.content, Unreadable) or isinstance(new.content, Unreadable):
        return None
    before, after = old.content.spec, new.content.spec
    if getattr(before, price) == getattr(after, price):
        return None
    return new.name if before == after.model_copy(update={price: getattr(before, price)}) else None
