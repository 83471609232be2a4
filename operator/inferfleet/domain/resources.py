"""Which Kubernetes resources are read and written, and where they live in the HTTP API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inferfleet.api.v1alpha1 import (
    API_VERSION,
    BudgetPolicy,
    GPUPool,
    GPUType,
    InferenceDeployment,
    ModelProfile,
)
from inferfleet.api.v1alpha1 import Resource as OwnKind

Document = Mapping[str, Any]
"""An object of a resource as JSON or YAML gives it; what was received is read and never changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind as the API server serves it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the URL path of the collection (all namespaces without one), an object or a subresource of it."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return "/".join(part for part in (f"{root}{scope}/{self.plural}", name, subresource) if part)


def _ours(model: type[OwnKind]) -> Resource:
    kind = model.definition
    return Resource(api_version=API_VERSION, kind=kind.kind, plural=kind.plural, namespaced=kind.namespaced)


INFERENCE_DEPLOYMENT = _ours(InferenceDeployment)
BUDGET_POLICY = _ours(BudgetPolicy)
GPU_POOL = _ours(GPUPool)
GPU_TYPE = _ours(GPUType)
MODEL_PROFILE = _ours(ModelProfile)
OURS = (INFERENCE_DEPLOYMENT, BUDGET_POLICY, GPU_POOL, GPU_TYPE, MODEL_PROFILE)
"""The kinds whose objects people write and the operator follows."""

NODE = Resource(api_version="v1", kind="Node", plural="nodes", namespaced=False)
POD = Resource(api_version="v1", kind="Pod", plural="pods")
NAMESPACE = Resource(api_version="v1", kind="Namespace", plural="namespaces", namespaced=False)
EVENT = Resource(api_version="events.k8s.io/v1", kind="Event", plural="events")
CONFIG_MAP = Resource(api_version="v1", kind="ConfigMap", plural="configmaps")
LEASE = Resource(api_version="coordination.k8s.io/v1", kind="Lease", plural="leases")

CHILDREN = (
    Resource(api_version="apps/v1", kind="Deployment", plural="deployments"),
    Resource(api_version="batch/v1", kind="Job", plural="jobs"),
    Resource(api_version="v1", kind="Service", plural="services"),
    Resource(api_version="policy/v1", kind="PodDisruptionBudget", plural="poddisruptionbudgets"),
)
"""The kinds an InferenceDeployment may own, in the order in which they are applied."""

CHILD_OF_KIND = {resource.kind: resource for resource in CHILDREN}
