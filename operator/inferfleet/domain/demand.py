"""What one InferenceDeployment asks for, with its model resolved and what it already holds."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from inferfleet.api.enums import Category, Priority, WorkloadClass
from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.domain.history import NO_HISTORY, History
from inferfleet.domain.keys import Key, Kind
from inferfleet.domain.model import Model, UnknownModel
from inferfleet.domain.money import Total
from inferfleet.domain.owner import Owner
from inferfleet.domain.placement import Placement

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One InferenceDeployment as the planner sees it.

    `first_refused` orders those that wait (None offline, and for those never refused). `created` starts the clock of a
    batch deadline. `invalid` says what is wrong with the spec beyond its schema (None: nothing).
    """

    uid: str
    namespace: str
    name: str
    spec: InferenceDeploymentSpec
    model: Model | UnknownModel
    namespace_labels: Labels = ()
    generation: int = 1
    created: datetime | None = None
    first_refused: datetime | None = None
    invalid: str | None = None

    @property
    def deadline(self) -> datetime | None:
        """When a batch has to be done, counted from its creation; None for real-time work, without one, and offline."""
        seconds = self.spec.batch.deadline_seconds if self.spec.batch else None
        return None if seconds is None or self.created is None else self.created + timedelta(seconds=seconds)

    def hours_left(self, now: datetime | None) -> float | None:
        """Return the hours until the deadline, negative afterwards; None where there is none, or no clock."""
        return None if self.deadline is None or now is None else (self.deadline - now) / timedelta(hours=1)

    @property
    def key(self) -> Key:
        """Unique at any one time, and the order of last resort."""
        return Key(Kind.INFERENCE_DEPLOYMENT, self.namespace, self.name)

    @property
    def owner(self) -> Owner:
        """The InferenceDeployment as the owner of what is made for it."""
        return Owner.of(self.key, self.uid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """GPUs that a deployment's pod holds on a node."""

    node: str
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """The pods of one placement: how many are ready, have a node, and wait for one, the first of them since when.

    Those that no further node would help are not among the `unscheduled`: `stuck_since` is when the first of them
    began to wait, and `stuck` what for, a volume or a quota (None and empty: there are none).
    """

    placement: str
    ready: int = 0
    scheduled: int = 0
    unscheduled: int = 0
    unscheduled_since: datetime | None = None
    stuck_since: datetime | None = None
    stuck: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one InferenceDeployment holds: admitted placements, and the GPUs its pods already occupy.

    A holding lives from admission until its pods are gone, also when the object is being deleted. The ledger keys on
    `uid`, never on names or labels. `generation` is that of the spec it was admitted for (None: not known). `done` is
    the share of a batch that is finished, from 0 to 1; `finished` says that its Job has ended, well or not: it then
    holds only what its pods still occupy. `forecast` is the total that a batch was admitted with. `reserved_replicas`
    are held although fewer may run (0: what runs is all).
    """

    uid: str
    namespace: str
    name: str
    workload_class: WorkloadClass
    category: Category
    priority: Priority = Priority.NORMAL
    namespace_labels: Labels = ()
    placements: tuple[Placement, ...] = ()
    bound: tuple[Bound, ...] = ()
    forecast: Total | None = None
    pods: tuple[Pods, ...] = ()
    history: History = NO_HISTORY
    generation: int | None = None
    done: float = 0.0
    finished: bool = False
    reserved_replicas: int = 0

    def ready(self, placements: Iterable[Placement]) -> bool:
        """Tell whether all replicas of these placements are ready: what they replace may leave."""
        return all(self.pods_of(item.name).ready >= item.replicas for item in placements)

    def pods_of(self, placement: str) -> Pods:
        """Return what is known of a placement's pods; nothing known: none exist."""
        return next((pods for pods in self.pods if pods.placement == placement), Pods(placement=placement))

    def unbound(self, pool_of_node: Mapping[str, str]) -> Iterator[tuple[Placement, int]]:
        """Yield each placement with the number of its replicas that no pod has taken up; a finished batch has none.

        `pool_of_node` names the pool of each node. Draining placements stand last and have their pods, so the GPUs that
        are bound in a pool count as theirs first.
        """
        if self.finished:
            return
        bound: dict[str, int] = {}
        for item in self.bound:
            pool = pool_of_node.get(item.node, "")
            bound[pool] = bound.get(pool, 0) + item.gpus
        for placement in reversed(self.placements):
            taken = min(bound.get(placement.pool, 0), placement.gpus)
            bound[placement.pool] = bound.get(placement.pool, 0) - taken
            yield placement, placement.replicas - taken // placement.tensor_parallel_size
