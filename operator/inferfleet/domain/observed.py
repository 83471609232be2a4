"""What was seen of nodes, pods and owned children: slim values that replace the raw objects at the edge.

Made by `observe`, read by everything that compares a plan with the cluster. Names, labels and times are as Kubernetes
writes them; GPU counts are whole devices.
"""

from dataclasses import dataclass, field
from datetime import datetime

from inferfleet.domain.children import ChildIdentity
from inferfleet.domain.keys import Key, Kind

LabelSet = frozenset[tuple[str, str]]
Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """A node taint."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """A node that offers extended resources. `allocatable` counts devices per resource name."""

    name: str
    uid: str
    labels: LabelSet
    allocatable: Counts
    ready: bool
    cordoned: bool
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceFacts:
    """A namespace."""

    name: str
    labels: LabelSet


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerFacts:
    """State of one container.

    `waiting` and `terminated` are reasons (`ImagePullBackOff`, `OOMKilled`), `message` says more. `last_message` is the
    termination message of the run before this one, where an engine says why it ended.
    """

    name: str
    ready: bool = False
    restarts: int = 0
    waiting: str = ""
    terminated: str = ""
    message: str = ""
    last_terminated: str = ""
    last_message: str = ""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContainer:
    """What an engine was started as: its image and the words of its command line."""

    image: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """A pod that requests extended resources or belongs to a deployment of ours.

    `deployment` and `placement` are the values of our labels, of which a pod that loses them keeps the deployment,
    `owner` and `owner_name` the controlling owner (a ReplicaSet or a Job), `address` its IP address, empty until it has
    one; `engine` is None for pods of others. `unscheduled` is the scheduler's message while it finds no node, and
    `unscheduled_since` when that began; `stuck` says that no further node would help: it waits for a volume, or at a
    scheduling gate.
    """

    uid: str
    namespace: str
    name: str
    node: str
    requests: Counts
    deployment: str
    owner: str
    owner_name: str
    phase: str
    ready: bool
    deleting: bool
    unscheduled: str = ""
    unscheduled_since: datetime | None = None
    stuck: bool = False
    containers: tuple[ContainerFacts, ...] = ()
    placement: str = ""
    address: str = ""
    engine: EngineContainer | None = None

    @property
    def over(self) -> bool:
        """Whether all its containers have ended for good."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def occupies_node(self) -> bool:
        """Whether its requests are charged to a node: bound and not over."""
        return bool(self.node) and not self.over

    @property
    def key(self) -> Key:
        """The InferenceDeployment that the label names."""
        return Key(Kind.INFERENCE_DEPLOYMENT, self.namespace, self.deployment)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCondition:
    """A condition of a Deployment or Job; `since` is when its status changed last (None: not known)."""

    type: str
    status: str
    reason: str
    message: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """An object that an InferenceDeployment owns.

    `owner` is the UID of its controlling owner, empty without one. `manifest_hash` is our annotation. `content` is the
    object without status and bookkeeping, packed, for comparing with what we rendered; equal `content` means that
    nothing that matters changed. Counts are those of its status: ready replicas of a Deployment; active, succeeded and
    failed pods of a Job. `template_generation` is the generation that brought its pod template. `created` is when it
    was created (None: not known). `engine` is the engine container of its pod template.
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str
    owner: str
    deployment: str
    manifest_hash: str
    content: bytes = field(repr=False)
    deleting: bool = False
    generation: int = 0
    observed_generation: int = 0
    template_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    conditions: tuple[ChildCondition, ...] = ()
    created: datetime | None = None
    engine: EngineContainer | None = field(default=None, repr=False)

    @property
    def identity(self) -> ChildIdentity:
        """What this child and the manifest that it was written from have in common."""
        return ChildIdentity(self.kind, self.namespace, self.name)

    @property
    def key(self) -> Key:
        """The InferenceDeployment that the label names."""
        return Key(Kind.INFERENCE_DEPLOYMENT, self.namespace, self.deployment)

    @property
    def has_pods(self) -> bool:
        """Whether it is a workload; others of the same name only stand in front of one."""
        return self.kind in ("Deployment", "Job")

    @property
    def rolling_out(self) -> bool:
        """Whether pods of an older template serve, or may: the Deployment's controller has not seen the newest one yet.

        More or fewer replicas of one template are no roll-out.
        """
        return self.observed_generation < self.template_generation or self.updated_replicas < self.replicas

    def condition(self, kind: str) -> ChildCondition | None:
        """Return the condition of this type, None without one."""
        return next((condition for condition in self.conditions if condition.type == kind), None)

    @property
    def ended(self) -> bool:
        """Whether a Job has ended, well or not; Deployments never do."""
        ends = (self.condition("Complete"), self.condition("Failed")) if self.kind == "Job" else ()
        return any(end is not None and end.status == "True" for end in ends)

    @property
    def refusal(self) -> ChildCondition | None:
        """The condition that says that pods are refused, by a quota or an admission policy; None while none are.

        A Deployment has one for it; a Job whose controller never got a pod created says so only by having none.
        """
        if self.kind == "Job" and not (self.active or self.succeeded or self.failed or self.conditions):
            message = "the Job has no pod yet; `kubectl describe job` shows whether pods are refused"
            return ChildCondition(type="Pods", status="False", reason="NoPod", message=message, since=self.created)
        found = self.condition("ReplicaFailure")
        return found if found is not None and found.status == "True" else None
