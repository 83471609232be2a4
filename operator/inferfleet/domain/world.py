"""An immutable snapshot of everything a decision may look at.

Built by `observe` from watched objects (or by the command line from files); read by `plan`. Tuples are sorted by name
so that the same cluster gives the same value in whatever order its objects arrived.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from inferfleet.api.enums import CapacityType, Interconnect
from inferfleet.api.v1alpha1 import BudgetPolicySpec, LabelSelector
from inferfleet.api.v1alpha1.placement import Compliance
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.demand import Holding
from inferfleet.domain.gpu import GPU, Price

LabelValues = tuple[tuple[str, str], ...]
"""Labels as pairs of key and value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A GPU node: `gpus` allocatable, `free` of them not requested by any bound pod.

    `schedulable` is False for cordoned, NotReady, shared or mislabelled nodes; `memory_mib` is the memory per GPU that
    the node's labels report, None when they do not.
    """

    name: str
    gpus: int
    free: int
    schedulable: bool = True
    memory_mib: int | None = None
    shared: bool = False
    mig: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """A Kubernetes toleration, field by field."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A node pool with its nodes.

    `gpu` is None when nothing known has the declared type. `price` is the pool's own, else the GPU type's for its
    capacity type; None without one, which is not zero: nothing is planned there. `max_nodes` None
    means that the pool never grows beyond the nodes seen; `nodes_known` is False offline, where no nodes were given.
    `memory_mib` is the least memory any node reports (None: as the GPU type says); `whole_gpus` is False when all
    nodes share or slice their GPUs; `problem` says why the pool cannot be used as it is described (None: it can).
    `counted_elsewhere` says which of its nodes an earlier pool has already (None: none); they are not among `nodes`.
    `left_out` says for each node that labels or taints rule out why. `avoided` are label keys with the values that tell
    nodes with other, shared or sliced GPUs from the rest; pods keep off them.
    """

    name: str
    gpu_type: str
    gpu: GPU | None
    gpus_per_node: int
    capacity_type: CapacityType
    node_selector: LabelValues
    tolerations: tuple[Toleration, ...] = ()
    gpu_resource_name: str = "nvidia.com/gpu"
    region: str | None = None
    max_nodes: int | None = None
    price: Price | None = None
    interconnect: Interconnect | None = None
    namespace_selector: LabelSelector | None = field(default=None, hash=False)
    compliance: Compliance = field(default_factory=Compliance)
    node_cpu: Decimal | None = None
    node_memory_bytes: int | None = None
    nodes: tuple[Node, ...] = ()
    nodes_known: bool = True
    memory_mib: int | None = None
    whole_gpus: bool = True
    problem: str | None = None
    counted_elsewhere: str | None = None
    left_out: tuple[str, ...] = ()
    avoided: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def reported_gpu(self) -> GPU:
        """The GPU with the memory that the nodes report, where they do: never the nominal size.

        What CUDA leaves of it was measured at the type's own size and is scaled with the reported one. The GPU must be
        known.
        """
        gpu = self.gpu
        assert gpu is not None
        if self.memory_mib is None or self.memory_mib == gpu.memory_mib:
            return gpu
        usable = None if gpu.usable_gib is None else gpu.usable_gib * self.memory_mib / gpu.memory_mib
        return replace(gpu, memory_mib=self.memory_mib, usable_gib=usable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A budget policy that was understood."""

    name: str
    spec: BudgetPolicySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadablePolicy:
    """A budget policy that was not understood: it blocks every namespace that it could match.

    `selector` is None when not even the selector could be read; it then matches all namespaces.
    """

    name: str
    message: str
    selector: LabelSelector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything outside one demand that its decision depends on."""

    pools: tuple[Pool, ...] = ()
    policies: tuple[Policy, ...] = ()
    unreadable_policies: tuple[UnreadablePolicy, ...] = ()
    holdings: Mapping[str, Holding] = field(default_factory=dict)
    budgets_required: bool = False
    calibrations: tuple[Calibration, ...] = ()
