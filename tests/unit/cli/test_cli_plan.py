"""`inferfleet plan`: the contract of its output, its exit statuses, and what it says when something is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import Result

Invoke = Callable[..., Result]
Planned = Callable[..., list[dict[str, Any]]]
Written = Callable[[str, str], str]

EXAMPLES = Path(__file__).parents[3] / "examples"
BUDGET = """
apiVersion: inferfleet.dev/v1alpha1
kind: BudgetPolicy
metadata: {name: team-a}
spec:
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}
  usdPerMonth: "5000"
"""


def test_the_keys_of_a_plan_are_those_of_the_contract(planned: Planned, pool: str, chat: str) -> None:
    (found,) = planned(pool, chat)
    assert {
        "namespace", "name", "ready", "reason", "message", "placement", "placements", "cost", "memory", "decision",
        "budgets", "manifests",
    } <= set(found)  # fmt: skip


def test_the_cost_has_the_keys_of_status_and_exact_decimal_strings(planned: Planned, pool: str, chat: str) -> None:
    (found,) = planned(pool, chat)
    monthly = Decimal("1.60") * found["placement"]["replicas"] * 730
    cost = found["cost"]
    assert (cost["usdPerMonth"], cost["usdTotal"]) == (f"{monthly:.2f}", None)
    assert Decimal(cost["usdPerMillionTokens"]) == round(monthly / 2200, 2)


def test_the_memory_has_the_keys_of_status_as_decimal_strings(planned: Planned, pool: str, chat: str) -> None:
    (found,) = planned(pool, chat)
    assert {
        "weightsGiB", "activationGiB", "nonTorchGiB", "cudaGraphGiB", "kvCacheGiB", "kvCacheTokens", "maxConcurrency",
        "usableGiB", "utilization", "marginGiB", "confidence",
    } <= set(found["memory"])  # fmt: skip
    assert found["memory"]["weightsGiB"] == "14.99"


def test_every_candidate_is_printed_the_chosen_one_first(planned: Planned, pool: str, chat: str) -> None:
    (found,) = planned(pool, chat)
    rows = found["decision"]["candidates"]
    assert sorted(row["tensorParallelSize"] for row in rows) == [1, 2, 4]
    assert (rows[0]["verdict"], rows[0]["reason"]) == ("Chosen", "Cheapest")


def test_manifests_are_what_would_be_created(planned: Planned, pool: str, chat: str) -> None:
    (found,) = planned(pool, chat)
    assert {(item["kind"], item["metadata"]["name"]) for item in found["manifests"]} >= {
        ("Deployment", "chat"),
        ("Service", "chat"),
    }


def test_yaml_says_the_same_as_json(invoke: Invoke, planned: Planned, pool: str, chat: str) -> None:
    result = invoke("plan", "-f", "-", "-o", "yaml", stdin=f"{pool}---{chat}")
    assert yaml.safe_load(result.stdout) == planned(pool, chat)


def test_the_order_of_documents_does_not_matter(planned: Planned, pool: str, chat: str) -> None:
    assert planned(pool, BUDGET, chat) == planned(chat, BUDGET, pool)


def test_all_examples_can_be_served_at_once_without_a_cluster(invoke: Invoke) -> None:
    result = invoke("plan", "-f", str(EXAMPLES))
    assert (result.exit_code, "PersistentVolumeClaim prompts is not read" in result.stderr) == (0, True), result.stderr


def test_files_may_follow_one_option(invoke: Invoke, written: Written, pool: str, chat: str) -> None:
    result = invoke("plan", "-f", written("a.yaml", pool), written("b.yaml", chat), "-o", "json")
    assert [found["ready"] for found in json.loads(result.stdout)] == [True]


def test_the_table_tells_choice_cost_and_budget(invoke: Invoke, pool: str, chat: str) -> None:
    result = invoke("plan", "-f", "-", stdin=f"{pool}---{BUDGET}---{chat}")
    assert "default/chat  Decided" in result.stdout
    assert "USD 3.20 per hour, 2336.00 per month, 1.06 per million tokens (pool l40s-od)" in result.stdout
    assert "2336.00 USD per month reserved from team-a" in result.stdout


def test_an_assumed_volume_is_said_so(invoke: Invoke, pool: str, chat: str) -> None:
    result = invoke("plan", "-f", "-", stdin=f"{pool}---{chat.replace('requestsPerMonth: 2000000, ', '')}")
    assert "if the peak lasted all month" in result.stdout


def test_a_namespace_that_is_not_given_has_the_label_with_its_name_only(planned: Planned, pool: str, chat: str) -> None:
    (found,) = planned(pool, BUDGET, chat)
    assert found["budgets"] == [{"policy": "team-a", "reservedUSDPerMonth": "2336.00"}]


def test_the_labels_of_a_given_namespace_select_its_policies(planned: Planned, pool: str, chat: str) -> None:
    budget = BUDGET.replace("kubernetes.io/metadata.name: default", "team: a")
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {team: a}}"
    (found,) = planned(pool, budget, namespace, chat)
    assert [share["policy"] for share in found["budgets"]] == ["team-a"]


def refused(invoke: Invoke, pool: str, chat: str) -> tuple[str, str]:
    """Plan one deployment that cannot be served; reason and message."""
    result = invoke("plan", "-f", "-", "-o", "json", stdin=f"{pool}---{chat}")
    (found,) = json.loads(result.stdout)
    assert (result.exit_code, found["ready"]) == (1, False)
    return found["reason"], found["message"]


def test_an_unknown_model_names_the_model_profile_that_would_help(invoke: Invoke, pool: str, chat: str) -> None:
    reason, message = refused(invoke, pool, chat.replace("meta-llama/Llama-3.1-8B-Instruct", "acme/secret-9b"))
    assert (reason, "ModelProfile" in message) == ("ModelUnknown", True)


def test_a_missing_price_is_not_zero(invoke: Invoke, pool: str, chat: str) -> None:
    unpriced = pool.replace('  usdPerGPUHour: "1.60"\n', "").replace("nvidia-l40s-48gb", "nvidia-l40-48gb")
    reason, message = refused(invoke, unpriced, chat)
    assert (reason, "usdPerGPUHour" in message) == ("NoPrice", True)


def test_an_unknown_gpu_type_rules_the_pool_out(invoke: Invoke, pool: str, chat: str) -> None:
    reason, message = refused(invoke, pool.replace("nvidia-l40s-48gb", "nvidia-x1"), chat)
    assert (reason, "nvidia-x1" in message) == ("NoMatchingPool", True)


def test_a_full_pool_says_how_much_room_there_is(invoke: Invoke, pool: str, chat: str) -> None:
    reason, message = refused(invoke, pool.replace("maxNodes: 8", "maxNodes: 0"), chat)
    assert (reason, "room for 0" in message) == ("NoCapacity", True)


def test_a_model_that_is_too_large_names_the_gib(invoke: Invoke, pool: str, chat: str) -> None:
    large = chat.replace("Llama-3.1-8B", "Llama-3.3-70B")
    reason, message = refused(invoke, pool.replace("gpusPerNode: 4", "gpusPerNode: 1"), large)
    assert (reason, "GiB" in message) == ("ModelDoesNotFit", True)


def test_what_cannot_be_served_has_no_placement_and_no_manifests(planned: Planned, chat: str) -> None:
    (found,) = planned(chat)
    assert (found["placement"], found["placements"], found["cost"], found["manifests"]) == (None, [], None, [])


def test_a_person_is_told_the_next_step(invoke: Invoke, chat: str) -> None:
    assert "next      add a GPUPool" in invoke("plan", "-f", "-", stdin=chat).stdout


def test_one_of_two_that_cannot_be_served_makes_the_status_1(invoke: Invoke, pool: str, chat: str) -> None:
    other = chat.replace("name: chat", "name: other").replace("Llama-3.1", "Llama-9.9")
    result = invoke("plan", "-f", "-", "-o", "json", stdin=f"{pool}---{chat}---{other}")
    assert (result.exit_code, [one["ready"] for one in json.loads(result.stdout)]) == (1, [True, False])


def test_a_suspended_deployment_is_ready_and_costs_nothing(planned: Planned, pool: str, chat: str) -> None:
    (found,) = planned(pool, f"{chat}  replicas: 0\n")
    assert (found["ready"], found["reason"], found["cost"]) == (True, "Suspended", None)


def test_a_batch_is_counted_by_its_total(planned: Planned, pool: str) -> None:
    batch = """
apiVersion: inferfleet.dev/v1alpha1
kind: InferenceDeployment
metadata: {name: nightly}
spec:
  model: {id: Qwen/Qwen2.5-7B-Instruct}
  workload: {class: Batch}
  batch:
    input: {persistentVolumeClaim: {claimName: p, path: in.jsonl}}
    output: {persistentVolumeClaim: {claimName: p, path: out/}}
    requests: 50000
    deadlineSeconds: 28800
"""
    (found,) = planned(pool, BUDGET, batch)
    assert found["budgets"] == [{"policy": "team-a", "reservedUSDPerMonth": found["cost"]["usdTotal"]}]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-f", "nowhere.yaml"), "nowhere.yaml: no such file"),
        ((), "-f: give at least one file"),
        (("-f", "-"), "no InferenceDeployment"),
    ],
)
def test_bad_input_exits_with_2_and_names_what_is_wrong(
    invoke: Invoke, pool: str, arguments: tuple[str, ...], told: str
) -> None:
    result = invoke("plan", *arguments, stdin=pool)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_a_broken_document_exits_with_2_before_anything_is_planned(invoke: Invoke, pool: str, chat: str) -> None:
    result = invoke("plan", "-f", "-", stdin=f"{pool}---" + chat.replace('"4"', '"4e400"'))
    assert (result.exit_code, result.stdout) == (2, "")
    assert 'spec.traffic.requestsPerSecond ("4e400")' in result.stderr


def test_budgets_can_be_required(invoke: Invoke, pool: str, chat: str) -> None:
    result = invoke("plan", "-f", "-", "--budgets-required", "-o", "json", stdin=f"{pool}---{chat}")
    assert (result.exit_code, json.loads(result.stdout)[0]["reason"]) == (1, "OverBudget")
