"""Objects of our own kinds: typed, or with what is wrong with them.

In: documents as the API server stores them (possibly under an older, looser schema) or as files hold them. Out: frozen
values. An object that cannot be read is a value too: it must never stop the others, and a budget that cannot be read
must block. Must not decide what follows.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Generic, TypeVar

import orjson
from pydantic import ValidationError

from inferfleet.api.objects import InvalidObject, parse_as
from inferfleet.api.v1alpha1 import (
    BudgetPolicy,
    GPUPool,
    GPUType,
    InferenceDeployment,
    InferenceDeploymentSpec,
    InferenceDeploymentStatus,
    LabelSelector,
    ModelProfile,
    Resource,
)
from inferfleet.domain.keys import Key, Kind
from inferfleet.domain.owner import Owner
from inferfleet.domain.packing import pack, unpack
from inferfleet.domain.resources import Document
from inferfleet.observe.project_pods import time_of

Parsed = TypeVar("Parsed", bound=Resource)

NO_STATUS = pack({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """What is wrong with an object; the message names field, value and what would be accepted."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform(Generic[Parsed]):
    """A cluster-scoped object of ours.

    `status` is the stored one as JSON; it takes no part in comparisons, as little as `price_date`: the day on which a
    pool's own price was written last, None when nobody can tell.
    """

    name: str
    uid: str
    generation: int
    content: Parsed | Unreadable
    selector: LabelSelector | None = None
    status: bytes = field(default=b"{}", compare=False, repr=False)
    price_date: date | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceDeploymentObject:
    """An InferenceDeployment. `status` is the stored one, packed; `ready_reason` is the reason of `Ready` in it."""

    namespace: str
    name: str
    uid: str
    generation: int
    created: datetime | None
    deleting: bool
    content: InferenceDeploymentSpec | Unreadable
    status: bytes = field(default=NO_STATUS, repr=False)
    ready_reason: str = ""

    @property
    def key(self) -> Key:
        """The key under which it is reconciled."""
        return Key(Kind.INFERENCE_DEPLOYMENT, self.namespace, self.name)

    @property
    def owner(self) -> Owner:
        """It as the owner of its children, and as what events are about."""
        return Owner.of(self.key, self.uid)

    @property
    def spec(self) -> InferenceDeploymentSpec | None:
        """The spec, None when it could not be read."""
        return None if isinstance(self.content, Unreadable) else self.content

    def read_status(self) -> InferenceDeploymentStatus:
        """Parse the stored status; what cannot be read of it counts as absent, because it can be computed again."""
        return _read_status(self.status)


def inference_deployment(document: Document) -> InferenceDeploymentObject:
    """Read an InferenceDeployment; one that breaks its schema keeps its identity and status."""
    metadata = document["metadata"]
    head = {name: value for name, value in document.items() if name not in ("metadata", "status")}
    content = _read_spec(metadata["name"], orjson.dumps(head, default=str))
    return InferenceDeploymentObject(
        namespace=metadata.get("namespace") or "default",
        name=metadata["name"],
        uid=metadata.get("uid") or "",
        generation=metadata.get("generation") or 1,
        created=time_of(metadata.get("creationTimestamp")),
        deleting=metadata.get("deletionTimestamp") is not None,
        content=content,
        status=pack(document.get("status") or {}),
        ready_reason=_ready_reason(document.get("status") or {}),
    )


@lru_cache(maxsize=4096)
def _read_spec(name: str, head: bytes) -> InferenceDeploymentSpec | Unreadable:
    """Parse a spec once: most events about an object bring a new status and the old spec."""
    try:
        return parse_as(InferenceDeployment, {**orjson.loads(head), "metadata": {"name": name}}).spec
    except InvalidObject as error:
        return Unreadable(message=error.summary)


@lru_cache(maxsize=32)
def _read_status(status: bytes) -> InferenceDeploymentStatus:
    """Parse a status once per pass over its object, which asks for it several times."""
    return InferenceDeploymentStatus.model_validate(unpack(status))


def _ready_reason(status: Document) -> str:
    conditions = (item for item in status.get("conditions") or () if item.get("type") == "Ready")
    return next((str(item.get("reason")) for item in conditions), "")


def budget_policy(document: Document) -> Platform[BudgetPolicy]:
    """Read a BudgetPolicy; of an unreadable one the namespace selector is kept where at least that can be read."""
    return _platform(document, BudgetPolicy, selector=_selector(document))


def gpu_pool(document: Document) -> Platform[GPUPool]:
    """Read a GPUPool."""
    return replace(_platform(document, GPUPool), price_date=_written_on(document, "usdPerGPUHour"))


def gpu_type(document: Document) -> Platform[GPUType]:
    """Read a GPUType."""
    return _platform(document, GPUType)


def model_profile(document: Document) -> Platform[ModelProfile]:
    """Read a ModelProfile."""
    return _platform(document, ModelProfile)


def _platform(document: Document, model: type[Parsed], *, selector: LabelSelector | None = None) -> Platform[Parsed]:
    metadata = document["metadata"]
    content: Parsed | Unreadable
    try:
        content = parse_as(model, {**document, "status": {}})
    except InvalidObject as error:
        content = Unreadable(message=error.summary)
    else:
        # Versions, times and managed fields change without meaning; equality is about what people wrote.
        content = content.model_copy(update={"metadata": content.metadata.model_copy(update={"resource_version": ""})})
    return Platform(
        name=metadata["name"],
        uid=metadata.get("uid") or "",
        generation=metadata.get("generation") or 1,
        content=content,
        selector=selector,
        status=_status(document),
    )


def _written_on(document: Document, name: str) -> date | None:
    """The day on which a field of the spec was set last, as the API server's record of managers says."""
    for entry in document["metadata"].get("managedFields") or ():
        owned = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        if f"f:{name}" in owned and entry.get("time"):
            return datetime.fromisoformat(str(entry["time"])).date()
    return None


def _selector(document: Document) -> LabelSelector | None:
    try:
        return LabelSelector.model_validate(document["spec"]["namespaceSelector"])
    except (KeyError, TypeError, ValidationError):
        return None


def _status(document: Document) -> bytes:
    return orjson.dumps(document.get("status") or {})
