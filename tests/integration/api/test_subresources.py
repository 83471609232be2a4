"""Status, scale and columns of the kinds on the real API server."""

from __future__ import annotations

import pytest

from inferfleet.api.objects import KINDS, dump, parse_as
from inferfleet.api.v1alpha1 import BudgetPolicy, GPUPool, InferenceDeployment, InferenceRoute
from tests.apiobjects.good import Document, good
from tests.controlplane.cluster import Cluster
from tests.controlplane.objects import ApiError, Manifest

_VERSION = "inferfleet.dev/v1alpha1"

_READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Serving",
    "message": "2 of 2 replicas serve",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-11-01T12:00:00Z",
}
_RUN = {
    "gpuType": "nvidia-l40s-48gb",
    "tensorParallelSize": 1,
    "pool": "l40s-od",
    "capacityType": "OnDemand",
    "replicas": 2,
}
_DEPLOYMENT_STATUS = {
    "observedGeneration": 1,
    "conditions": [_READY],
    "replicas": 2,
    "readyReplicas": 2,
    "recommendedReplicas": 2,
    "selector": "inferfleet.dev/deployment=chat",
    "placement": _RUN,
    "placements": [{**_RUN, "name": "chat", "readyReplicas": 2, "role": "Base"}],
    "cost": {
        "usdPerHour": "3.20",
        "usdPerMonth": "2336.00",
        "usdTotal": "12.5",
        "usdPerMillionTokens": "1.06",
        "priceSource": "pool l40s-od",
        "priceDate": "2026-11-01",
    },
    "memory": {
        "weightsGiB": "8.49",
        "activationGiB": "1.20",
        "nonTorchGiB": "0.10",
        "cudaGraphGiB": "0.94",
        "kvCacheGiB": "29.14",
        "kvCacheTokens": 238700,
        "maxConcurrency": "29.1",
        "usableGiB": "44.30",
        "utilization": "0.90",
        "marginGiB": "-28.1",
        "confidence": "Estimated",
    },
    "decision": {
        "decidedAt": "2026-11-01T12:00:00Z",
        "candidates": [
            {
                **_RUN,
                "verdict": "Chosen",
                "reason": "Cheapest",
                "message": "2 replicas for 2336.00 USD per month",
                "requiredGiB": "15.9",
                "usableGiB": "44.3",
                "usdPerMonth": "2336.00",
            }
        ],
    },
    "budgets": [{"policy": "team-a", "reservedUSDPerMonth": "2336.00"}],
    "batch": {
        "total": 100000,
        "done": 42000,
        "quarantined": 3,
        "estimatedFinish": "2026-11-02T00:00:00Z",
        "usdSoFar": "4.10",
    },
}
_BUDGET_STATUS = {
    "observedGeneration": 1,
    "period": "2026-11",
    "periodLimitUSD": "4931.51",
    "reservedUSDPerMonth": "2336.00",
    "committedUSDPerMonth": "440.00",
    "remainingUSDPerMonth": "-12.25",
    "spentUSD": "100.00",
    "forecastUSD": "2500.00",
    "borrowedUSDPerMonth": "0",
    "lentUSDPerMonth": "0",
    "categories": [
        {
            "name": "Inference",
            "usdPerMonth": "3000",
            "reservedUSDPerMonth": "2336.00",
            "committedUSDPerMonth": "0",
            "spentUSD": "100.00",
            "percentOfTotal": "46.72",
        }
    ],
    "reservations": [
        {
            "namespace": "team-a",
            "name": "chat",
            "category": "Inference",
            "usdPerMonth": "2336.00",
            "replicas": 2,
            "capacityType": "OnDemand",
        }
    ],
    "reservationsTotal": 1,
    "conditions": [_READY, {**_READY, "type": "Exceeded", "status": "False", "reason": "WithinLimit"}],
}
_POOL_STATUS = {
    "observedGeneration": 1,
    "nodes": 2,
    "gpus": 8,
    "gpusFree": -1,
    "gpuTypeDetected": "nvidia-l40s-48gb",
    "conditions": [_READY],
}
_ROUTE_STATUS = {
    "observedGeneration": 1,
    "endpoint": "http://chat.team-a.svc/v1",
    "backends": [{"name": "fleet", "ready": True, "reason": "Serving", "message": "ok", "usdPerMillionTokens": "1.06"}],
    "conditions": [_READY],
}


@pytest.fixture
def deployment(cluster: Cluster, namespace: str) -> Document:
    """An InferenceDeployment of this test's namespace, whose count the plan owns."""
    document = good("real time")
    document["metadata"]["namespace"] = namespace
    del document["spec"]["replicas"]
    return cluster.objects.create(document)


def _with_status(cluster: Cluster, stored: Manifest, status: Manifest) -> Manifest:
    metadata = stored["metadata"]
    return cluster.objects.patch(
        _VERSION,
        stored["kind"],
        metadata["name"],
        metadata.get("namespace"),
        patch={"status": status},
        subresource="status",
    )


def test_a_full_status_is_stored_and_read_back_whole(cluster: Cluster, deployment: Document) -> None:
    stored = _with_status(cluster, deployment, _DEPLOYMENT_STATUS)

    assert stored["status"] == _DEPLOYMENT_STATUS
    assert dump(parse_as(InferenceDeployment, stored))["status"] == _DEPLOYMENT_STATUS


@pytest.mark.parametrize(
    ("base", "model", "status"),
    [
        ("budget", BudgetPolicy, _BUDGET_STATUS),
        ("pool", GPUPool, _POOL_STATUS),
        ("route", InferenceRoute, _ROUTE_STATUS),
    ],
    ids=["budget", "pool", "route"],
)
def test_the_status_of_the_other_kinds_is_stored_whole(
    cluster: Cluster,
    namespace: str,
    base: str,
    model: type[BudgetPolicy | GPUPool | InferenceRoute],
    status: Manifest,
) -> None:
    document = good(base)
    place = {"namespace": namespace} if KINDS[document["kind"]].definition.namespaced else {}
    document["metadata"] = {"name": f"status-{base}", **place}
    stored = cluster.objects.create(document)
    try:
        stored = _with_status(cluster, stored, status)

        assert dump(parse_as(model, stored))["status"] == stored["status"] == status
    finally:
        cluster.objects.delete(_VERSION, document["kind"], document["metadata"]["name"], place.get("namespace"))


def test_a_change_of_spec_does_not_touch_the_status_and_counts_a_generation(
    cluster: Cluster, deployment: Document
) -> None:
    _with_status(cluster, deployment, {"replicas": 2})
    metadata = deployment["metadata"]

    changed = cluster.objects.patch(
        _VERSION,
        "InferenceDeployment",
        metadata["name"],
        metadata["namespace"],
        patch={"spec": {"traffic": {"requestsPerSecond": "8"}}, "status": {"replicas": 9}},
    )

    assert changed["status"] == {"replicas": 2}
    assert changed["metadata"]["generation"] == metadata["generation"] + 1


def test_the_scale_subresource_sets_the_count_and_shows_the_pods(cluster: Cluster, deployment: Document) -> None:
    _with_status(cluster, deployment, {"replicas": 2, "selector": "inferfleet.dev/deployment=chat"})
    metadata = deployment["metadata"]

    cluster.kubectl("scale", "infd", metadata["name"], "-n", metadata["namespace"], "--replicas=0")

    stored = cluster.objects.get(_VERSION, "InferenceDeployment", metadata["name"], metadata["namespace"])
    path = cluster.objects.path(_VERSION, "InferenceDeployment", metadata["namespace"], metadata["name"])
    scale = cluster.objects.request("GET", f"{path}/scale")
    assert stored["spec"]["replicas"] == 0
    assert scale["status"] == {"replicas": 2, "selector": "inferfleet.dev/deployment=chat"}


def test_a_condition_of_an_unknown_state_is_refused(cluster: Cluster, deployment: Document) -> None:
    with pytest.raises(ApiError, match="Unsupported value"):
        _with_status(cluster, deployment, {"conditions": [{**_READY, "status": "Maybe"}]})


def test_kubectl_shows_gpu_count_cost_and_reason(cluster: Cluster, deployment: Document) -> None:
    _with_status(cluster, deployment, _DEPLOYMENT_STATUS)

    table = cluster.kubectl("get", "infd", "-n", deployment["metadata"]["namespace"])

    header, row = table.strip().splitlines()
    assert header.split("  ")[0] == "NAME"
    assert [title for title in ("GPU", "REPLICAS", "USD/MONTH", "READY", "REASON") if title not in header] == []
    assert row.split()[:7] == ["chat", "nvidia-l40s-48gb", "2", "2", "2336.00", "True", "Serving"]


def test_the_category_lists_all_kinds(cluster: Cluster) -> None:
    listed = cluster.kubectl("api-resources", "--categories=inferfleet", "-o", "name").split()

    assert sorted(listed) == sorted(model.definition.crd_name for model in KINDS.values())


@pytest.mark.parametrize("short_name", [model.definition.short_name for model in KINDS.values()])
def test_every_short_name_works(cluster: Cluster, short_name: str) -> None:
    cluster.kubectl("get", short_name, "--all-namespaces")
