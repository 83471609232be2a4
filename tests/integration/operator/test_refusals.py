"""Whatever cannot work is refused with a reason, a message with numbers, and without a single pod."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.hardware import L40S
from tests.controlplane.nodes import Pool, Provider, scale_pool
from tests.controlplane.waiting import eventually
from tests.integration.operator.conftest import API, Document, Team, budget, condition, gpu_pool

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def policies(module_cluster: ControlPlane) -> Iterator[list[str]]:
    """Names of BudgetPolicies to delete afterwards."""
    names: list[str] = []
    yield names
    for name in names:
        module_cluster.objects.delete(API, "BudgetPolicy", name)


def refused(team: Team, name: str, reason: str) -> Document:
    """Wait for the refusal and make sure that nothing was started."""
    item = team.wait(name, reason)
    assert team.children() == []
    return item


def test_an_unknown_model_names_the_remedy(team: Team) -> None:
    team.apply("chat", model={"id": "nobody/knows-this"})

    item = refused(team, "chat", "ModelUnknown")

    assert "ModelProfile" in condition(item)["message"]
    assert condition(item, "Stalled")["status"] == "True"


def test_a_model_larger_than_any_pool_is_told_how_much_is_missing(team: Team) -> None:
    team.apply("chat", model={"id": "meta-llama/Llama-3.1-405B-Instruct"})

    assert "GiB" in condition(refused(team, "chat", "ModelDoesNotFit"))["message"]


def test_a_placement_that_no_pool_matches_is_refused(team: Team) -> None:
    team.apply("chat", placement={"regions": ["mars-north-1"]})

    refused(team, "chat", "NoMatchingPool")


def test_a_pool_without_a_price_is_not_used(team: Team) -> None:
    pool = Pool(name="l40s-priceless", gpu=L40S, gpus_per_node=4, provider=Provider.EKS)
    scale_pool(team.cluster, pool, 1)
    document = gpu_pool(pool, capacityType="Reserved")
    del document["spec"]["usdPerGPUHour"]
    team.cluster.objects.apply(document)
    try:
        team.apply("chat", placement={"pools": [pool.name]})

        assert "usdPerGPUHour" in condition(refused(team, "chat", "NoPrice"))["message"]
    finally:
        team.cluster.objects.delete(API, "GPUPool", pool.name)
        scale_pool(team.cluster, pool, 0)


def test_no_room_is_said_and_room_that_appears_is_used(team: Team) -> None:
    pool = Pool(name="l40s-small", gpu=L40S, gpus_per_node=4, provider=Provider.EKS)
    scale_pool(team.cluster, pool, 1)
    team.cluster.objects.apply(gpu_pool(pool))
    try:
        team.apply("chat", placement={"pools": [pool.name]}, replicas=5)
        refused(team, "chat", "NoCapacity")

        scale_pool(team.cluster, pool, 2)

        team.wait("chat")
    finally:
        team.delete("chat")
        team.cluster.objects.delete(API, "GPUPool", pool.name)
        eventually(lambda: not team.children("Pod"), 60)
        scale_pool(team.cluster, pool, 0)


def test_beyond_the_budget_nothing_starts_until_it_is_raised(team: Team, policies: list[str]) -> None:
    policies.append("tight")
    team.cluster.objects.apply(budget("tight", team.namespace, "1000"))
    eventually(lambda: condition(team.cluster.objects.get(API, "BudgetPolicy", "tight")).get("status") == "True")
    team.apply("chat")

    item = refused(team, "chat", "OverBudget")

    assert "168.00 short" in condition(item)["message"]
    team.cluster.objects.apply(budget("tight", team.namespace, "2000"))
    status = team.wait("chat")["status"]
    assert status["budgets"] == [{"policy": "tight", "reservedUSDPerMonth": "1168.00"}]


def test_two_at_once_never_share_the_last_dollar(team: Team, policies: list[str]) -> None:
    policies.append("last-dollar")
    team.cluster.objects.apply(budget("last-dollar", team.namespace, "3600"))
    eventually(lambda: condition(team.cluster.objects.get(API, "BudgetPolicy", "last-dollar")).get("status") == "True")
    for number in range(8):
        team.apply(f"chat-{number}")

    def settled() -> list[str]:
        reasons = [condition(team.get(f"chat-{number}")).get("reason", "") for number in range(8)]
        assert set(reasons) == {"Serving", "OverBudget"}, reasons
        return reasons

    assert eventually(settled, 60).count("Serving") == 3
    assert len(team.children()) == 3


def test_an_edit_that_arrives_while_the_former_is_applied_is_asked_for_its_money(
    team: Team, policies: list[str]
) -> None:
    policies.append("two-edits")
    team.cluster.objects.apply(budget("two-edits", team.namespace, "2500"))
    eventually(lambda: condition(team.cluster.objects.get(API, "BudgetPolicy", "two-edits")).get("status") == "True")
    team.apply("chat")
    team.wait("chat")
    dearest = {"maxReplicas": 8, "reserve": "Max"}

    for edits in range(1, 33):  # more and more of them, so that one time the last one comes at the worst moment
        for number in range(edits):
            team.apply("chat", engine={"maxNumSeqs": 100 * edits + number})
        item = team.apply("chat", engine={"maxNumSeqs": 100 * edits + edits - 1}, scaling=dearest)

        assert judged(team, item["metadata"]["generation"])["reason"] == "OverBudget"


def judged(team: Team, generation: int) -> Document:
    """Wait until the budget was asked about this generation; returns what it said."""

    def reached() -> Document:
        found = condition(team.get("chat"), "WithinBudget")
        assert found.get("observedGeneration") == generation
        return found

    return eventually(reached, describe=f"WithinBudget of generation {generation}")


def test_a_policy_that_cannot_be_understood_blocks_its_namespaces(team: Team, policies: list[str]) -> None:
    policies.append("on-mars")
    team.cluster.objects.apply(budget("on-mars", team.namespace, "100000", timeZone="Mars/Olympus"))
    eventually(lambda: condition(team.cluster.objects.get(API, "BudgetPolicy", "on-mars")).get("status") == "False")
    team.apply("chat")

    item = refused(team, "chat", "BudgetUnreadable")

    assert "on-mars" in condition(item)["message"]
    team.cluster.objects.apply(budget("on-mars", team.namespace, "100000", timeZone="UTC"))
    team.wait("chat")


def test_an_object_stored_under_a_looser_schema_is_named_invalid_and_harms_nobody(team: Team) -> None:
    crd = team.cluster.objects.get(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", "inferencedeployments.inferfleet.dev"
    )
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec"
    _patch_crd(team, path, loose)
    try:
        eventually(lambda: _accepted(team))
    finally:
        _patch_crd(team, path, schema)

    item = refused(team, "chat", "InvalidSpec")

    assert "requestsPerSecond" in condition(item)["message"]
    team.apply("other")
    team.wait("other")


def _accepted(team: Team) -> Document:
    """Apply a malformed decimal; refused until the loose schema is served."""
    try:
        return team.apply("chat", traffic={"requestsPerSecond": "many", "inputTokens": 400, "outputTokens": 100})
    except Exception as error:  # the test client's own class for a refusal
        raise AssertionError(str(error)) from error


def _patch_crd(team: Team, path: str, schema: Document) -> None:
    team.cluster.objects.request(
        "PATCH",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferencedeployments.inferfleet.dev",
        [{"op": "replace", "path": path, "value": schema}],
        content_type="application/json-patch+json",
    )
