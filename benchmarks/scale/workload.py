"""The objects of the burst, and the very requests that an operator makes for them, worked out offline.

In: how many deployments and nodes. Out: documents, and prepared requests. The bare writer sends what the operator
would: status with the reservation, Deployment, Service, status.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.scale.requests import Request, prepare
from inferfleet.api.objects import dump
from inferfleet.api.v1alpha1 import InferenceDeploymentStatus
from inferfleet.apply.applier import FIELD_MANAGER
from inferfleet.apply.status import STATUS_MANAGER
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand
from inferfleet.domain.resources import CHILD_OF_KIND, INFERENCE_DEPLOYMENT
from inferfleet.observe.documents import world_from_documents
from inferfleet.plan import decide
from inferfleet.render import RenderFacts, render
from inferfleet.report.observation import RESERVED_ONLY, UP_TO_DATE, Application, Observation
from inferfleet.report.status import status
from tests.controlplane.hardware import L40S
from tests.controlplane.nodes import Pool, Provider

Document = dict[str, Any]

API = "inferfleet.dev/v1alpha1"
GPUS_PER_NODE = 8
POOL = Pool(name="l40s", gpu=L40S, gpus_per_node=GPUS_PER_NODE, provider=Provider.EKS, cpu="192", memory="2Ti")


def gpu_pool(most_nodes: int) -> Document:
    """The pool object; it may grow, so that every deployment is admitted however few nodes there are."""
    return {
        "apiVersion": API,
        "kind": "GPUPool",
        "metadata": {"name": POOL.name},
        "spec": {
            "gpuType": "nvidia-l40s-48gb",
            "gpusPerNode": GPUS_PER_NODE,
            "capacityType": "OnDemand",
            "nodeSelector": POOL.selector,
            "maxNodes": most_nodes,
            "usdPerGPUHour": "1.60",
        },
    }


def deployments(count: int, namespace: str) -> list[Document]:
    """Small real-time deployments, one GPU each."""
    spec = {
        "model": {"id": "Qwen/Qwen2.5-7B-Instruct"},
        "workload": {"class": "RealTime"},
        "traffic": {"requestsPerSecond": "0.5", "inputTokens": 400, "outputTokens": 100},
        "engine": {"maxModelLen": 4096},
    }
    return [
        {
            "apiVersion": API,
            "kind": "InferenceDeployment",
            "metadata": {"name": f"load-{number:05}", "namespace": namespace},
            "spec": spec,
        }
        for number in range(count)
    ]


def creations(documents: Sequence[Document]) -> list[list[Request]]:
    """One request per document."""
    return [[prepare("POST", INFERENCE_DEPLOYMENT.path(item["metadata"]["namespace"]), item)] for item in documents]


def operator_requests(pool: Document, stored: Sequence[Document]) -> list[list[Request]]:
    """The four requests that each stored deployment leads to."""
    offline = world_from_documents([pool, *stored])
    decisions = {decision.uid: decision for decision in decide(offline.world, offline.demands)}
    pools = {pool.name: pool for pool in offline.world.pools}
    groups = []
    for demand in offline.demands:
        decision = decisions[demand.uid]
        manifests = render(demand, decision, pools, RenderFacts(worker_image=""))
        reserved = _status(demand, decision, InferenceDeploymentStatus(), RESERVED_ONLY)
        final = _status(demand, decision, reserved, UP_TO_DATE)
        children = [
            prepare(
                "POST",
                f"{CHILD_OF_KIND[manifest.kind].path(manifest.namespace)}?fieldManager={FIELD_MANAGER}",
                manifest.body,
            )
            for manifest in manifests
        ]
        groups.append([_write_status(demand, reserved), *children, _write_status(demand, final)])
    return groups


def _status(
    demand: Demand, decision: Decision, before: InferenceDeploymentStatus, application: Application
) -> InferenceDeploymentStatus:
    seen = Observation(
        generation=demand.generation,
        spec=demand.spec,
        decision=decision,
        application=application,
        children={},
        pods=(),
        may_grow=True,
        now=datetime.now(UTC),
    )
    return status(demand.name, before, seen)


def _write_status(demand: Demand, new: InferenceDeploymentStatus) -> Request:
    body = {
        "apiVersion": API,
        "kind": "InferenceDeployment",
        "metadata": {"name": demand.name, "namespace": demand.namespace, "uid": demand.uid},
        "status": dump(new),
    }
    path = INFERENCE_DEPLOYMENT.path(demand.namespace, demand.name, "status")
    query = f"fieldManager={STATUS_MANAGER}&force=true"
    return prepare("PATCH", f"{path}?{query}", body, "application/apply-patch+yaml")
