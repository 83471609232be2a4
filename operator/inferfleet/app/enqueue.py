"""Who has to be looked at again: the sink of all news, in front of the work queue.

In: news from the store. Out: keys in the queue, and for each whether a new decision is due. Must not look at what the
news says beyond whom it concerns.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from inferfleet.domain.keys import Key
from inferfleet.domain.observed import NodeFacts
from inferfleet.observe.objects import InferenceDeploymentObject, Unreadable
from inferfleet.observe.pools import members
from inferfleet.observe.store import Store
from inferfleet.runtime.queue import KeyedQueue, Lane

# News that concerns many comes in bursts (a pool of nodes, a thousand pods); one round answers all of it.
_GATHER_SECONDS = 0.2


class Enqueuer:
    """See the module; implements `inferfleet.observe.mapping.Sink`."""

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
        self._rounds: dict[str, asyncio.TimerHandle] = {}

    def wake(self, key: Key, *, decide: bool, lane: Lane = Lane.HIGH) -> None:
        """Look at a deployment again, with a new decision or without."""
        if decide:
            self._undecided.add(key)
        self._queue.add(key, lane)

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

    def touched(self, key: Key) -> None:
        """Pass on that something about a deployment changed."""
        self._on_touched(key)

    def wake_model(self, model_id: str) -> None:
        """Decide again for every deployment of a model: more is known about it."""
        for item in self._store.deployments.values():
            if item.spec is not None and item.spec.model.id == model_id:
                self.wake(item.key, decide=True)

    def wake_namespace(self, namespace: str) -> None:
        """Decide again for every deployment of a namespace, and for those that may get what it held of a budget."""
        for key in self._store.deployments.keys():  # noqa: SIM118 - a table, not a dict
            if key.namespace == namespace:
                self._on_touched(key)
                self.wake(key, decide=True)
        self.wake_waiting()

    def wake_waiting(self) -> None:
        """Decide again for those that wait for GPUs or money."""
        if self._waiting:
            self._in_a_moment("waiting", self._wake_waiting)

    def wake_nodes(self, nodes: tuple[NodeFacts, ...]) -> None:
        """Decide again for those that wait, and for those that run in the nodes' pools."""
        pools = frozenset(
            item.name
            for item in self._store.pools.values()
            if not isinstance(item.content, Unreadable) and any(members(item.content.spec.node_selector.items(), nodes))
        )
        self.wake_waiting()
        for pool in pools:
            self._in_a_moment(f"pool {pool}", partial(self._wake_pool, pool))

    def wake_priced(self, pool: str) -> None:
        """Decide again for those that run in the pool or could."""
        self._in_a_moment(f"price {pool}", partial(self._wake_priced, pool))

    def wake_priced_type(self, gpu_type: str) -> None:
        """Decide again for those that run, or could, in a pool whose price is that of its GPU type."""
        for item in self._store.pools.values():
            spec = None if isinstance(item.content, Unreadable) else item.content.spec
            if spec is not None and spec.gpu_type == gpu_type and spec.usd_per_gpu_hour is None:
                self.wake_priced(item.name)

    def wake_all(self) -> None:
        """Decide again for everybody."""
        self._in_a_moment("all", self.wake_everybody)

    def wake_everybody(self) -> None:
        """Decide again for everybody, now."""
        for key in self._store.deployments.keys():  # noqa: SIM118 - a table, not a dict
            self.wake(key, decide=True, lane=Lane.LOW)

    def removed(self, item: InferenceDeploymentObject) -> None:
        """Pass on that a deployment is gone, and let others have what it held."""
        self._on_removed(item)
        self._queue.add(item.key)
        self.wake_waiting()

    def _wake_waiting(self) -> None:
        for key in self._waiting:
            self.wake(key, decide=True, lane=Lane.LOW)

    def _wake_pool(self, pool: str) -> None:
        for key, pools in self._pools_of.items():
            if pool in pools:
                self.wake(key, decide=True, lane=Lane.LOW)

    def _wake_priced(self, pool: str) -> None:
        for key, pools in self._priced_by.items():
            if pool in pools:
                self.wake(key, decide=True, lane=Lane.LOW)

    def _in_a_moment(self, name: str, action: Callable[[], None]) -> None:
        if name in self._rounds:
            return

        def act() -> None:
            del self._rounds[name]
            action()

        self._rounds[name] = asyncio.get_running_loop().call_later(_GATHER_SECONDS, act)
