"""Documents to a world: the offline way sees what the operator would see."""

from __future__ import annotations

from typing import Any

import pytest

from inferfleet.api.v1alpha1 import selects
from inferfleet.domain.demand import Demand
from inferfleet.domain.model import Model, UnknownModel
from inferfleet.observe.documents import Offline, world_from_documents
from tests.builders import PROFILE_CONFIG

Document = dict[str, Any]
API = "inferfleet.dev/v1alpha1"

POOL: Document = {
    "apiVersion": API,
    "kind": "GPUPool",
    "metadata": {"name": "l40s"},
    "spec": {
        "gpuType": "nvidia-l40s-48gb",
        "gpusPerNode": 4,
        "capacityType": "OnDemand",
        "nodeSelector": {"pool": "l40s"},
        "usdPerGPUHour": "1.60",
    },
}
CHAT: Document = {
    "apiVersion": API,
    "kind": "InferenceDeployment",
    "metadata": {"name": "chat", "namespace": "team"},
    "spec": {
        "model": {"id": "Qwen/Qwen2.5-7B-Instruct"},
        "workload": {"class": "RealTime"},
        "traffic": {"requestsPerSecond": "1", "inputTokens": 400, "outputTokens": 100},
    },
}
POLICY: Document = {
    "apiVersion": API,
    "kind": "BudgetPolicy",
    "metadata": {"name": "team"},
    "spec": {"namespaceSelector": {"matchLabels": {"team": "a"}}, "usdPerMonth": "5000"},
}


def node(name: str = "node", **labels: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"pool": "l40s", **labels}},
        "status": {"allocatable": {"nvidia.com/gpu": "4"}},
    }


def pod(gpus: int, *, node_name: str = "node", phase: str = "Running") -> Document:
    limits = {"nvidia.com/gpu": str(gpus)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"nodeName": node_name, "containers": [{"resources": {"limits": limits}}]},
        "status": {"phase": phase},
    }


def only_demand(offline: Offline) -> Demand:
    (demand,) = offline.demands
    return demand


def test_without_nodes_nobody_knows_the_nodes() -> None:
    (pool,) = world_from_documents([POOL]).world.pools

    assert not pool.nodes_known


def test_free_gpus_are_what_no_bound_pod_requests() -> None:
    (pool,) = world_from_documents([POOL, node(), pod(3)]).world.pools

    assert [item.free for item in pool.nodes] == [1]


@pytest.mark.parametrize("gone", [pod(3, phase="Succeeded"), pod(3, node_name="")], ids=["finished", "unbound"])
def test_pods_that_hold_no_gpu_leave_it_free(gone: Document) -> None:
    (pool,) = world_from_documents([POOL, node(), gone]).world.pools

    assert [item.free for item in pool.nodes] == [4]


def test_a_node_of_another_gpu_is_not_used() -> None:
    (pool,) = world_from_documents([POOL, node(**{"nvidia.com/gpu.product": "NVIDIA-L4"})]).world.pools

    assert not any(item.schedulable for item in pool.nodes)
    assert "nvidia-l4" in (pool.problem or "")


def test_a_product_that_nobody_knows_is_not_used() -> None:
    (pool,) = world_from_documents([POOL, node(**{"nvidia.com/gpu.product": "ACME-9000"})]).world.pools

    assert not any(item.schedulable for item in pool.nodes)


def test_a_taint_that_the_pool_does_not_tolerate_keeps_work_off() -> None:
    tainted = node()
    tainted["spec"] = {"taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}]}
    tolerant = {**POOL, "spec": {**POOL["spec"], "tolerations": [{"key": "dedicated", "operator": "Exists"}]}}

    (refusing,) = world_from_documents([POOL, tainted]).world.pools
    (accepting,) = world_from_documents([tolerant, tainted]).world.pools

    assert [item.schedulable for item in refusing.nodes] == [False]
    assert [item.schedulable for item in accepting.nodes] == [True]


def test_a_namespace_has_at_least_the_label_with_its_name() -> None:
    demand = only_demand(world_from_documents([CHAT]))

    assert demand.namespace_labels == (("kubernetes.io/metadata.name", "team"),)


def test_labels_of_a_namespace_document_are_used() -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": {"team": "a"}}}

    assert ("team", "a") in only_demand(world_from_documents([CHAT, namespace])).namespace_labels


def test_an_unreadable_policy_blocks_whom_it_could_match() -> None:
    broken = {**POLICY, "spec": {**POLICY["spec"], "timeZone": "Mars/Olympus"}}

    (policy,) = world_from_documents([broken]).world.unreadable_policies

    assert policy.selector is not None
    assert selects(policy.selector, {"team": "a"})
    assert "Mars/Olympus" in policy.message


def test_a_policy_without_a_readable_selector_blocks_everybody() -> None:
    broken = {**POLICY, "spec": {"namespaceSelector": 5, "usdPerMonth": "x"}}

    (policy,) = world_from_documents([broken]).world.unreadable_policies

    assert policy.selector is None


def test_what_cannot_be_read_is_reported_and_does_not_stop_the_rest() -> None:
    broken = {**CHAT, "metadata": {"name": "broken"}, "spec": {"model": {}}}

    offline = world_from_documents([broken, CHAT])

    assert [error.name for error in offline.invalid] == ["broken"]
    assert only_demand(offline).name == "chat"


def test_a_model_profile_goes_before_the_catalogue() -> None:
    profile = {
        "apiVersion": API,
        "kind": "ModelProfile",
        "metadata": {"name": "mine"},
        "spec": {
            "id": "Qwen/Qwen2.5-7B-Instruct",
            "config": {
                "hiddenSize": 1024,
                "numHiddenLayers": 3,
                "numAttentionHeads": 8,
                "numKeyValueHeads": 8,
                "headDim": 128,
                "intermediateSize": 4096,
                "vocabSize": 1000,
                "maxPositionEmbeddings": 4096,
            },
            "parameters": 50_000_000,
        },
    }

    model = only_demand(world_from_documents([CHAT, profile])).model

    assert isinstance(model, Model)
    assert model.num_hidden_layers == 3


def profile(name: str = "mine", **change: Any) -> Document:
    """Llama 3.1 8B under another name: 8.03 billion parameters, 14.96 GiB in 16 bits."""
    spec: Document = {
        "id": "Qwen/Qwen2.5-7B-Instruct",
        "config": PROFILE_CONFIG | {"maxPositionEmbeddings": 131072},
        "parameters": 8_030_000_000,
    }
    return {"apiVersion": API, "kind": "ModelProfile", "metadata": {"name": name}, "spec": {**spec, **change}}


@pytest.mark.parametrize(
    ("change", "numbers"),
    [
        ({"weightBytes": 27_000_000_000}, ("spec.weightBytes: 27000000000 (25.15 GiB)", "14.96 GiB")),
        ({"weightBytes": 5_000_000_000}, ("spec.weightBytes: 5000000000 (4.66 GiB)", "14.96 GiB")),
        ({"parameters": 70_000_000_000}, ("spec.parameters: 70000000000", "8.03 billion")),
    ],
)
def test_a_stated_size_that_contradicts_the_architecture_is_refused_with_both_numbers(
    change: Document, numbers: tuple[str, str]
) -> None:
    model = only_demand(world_from_documents([CHAT, profile(**change)])).model

    assert isinstance(model, UnknownModel)
    assert [number for number in ("ModelProfile mine", *numbers) if number not in model.message] == []


@pytest.mark.parametrize(
    "change",
    [
        {"weightBytes": 16_060_522_496},
        {"weightBytes": 24_000_000_000},
        {"quantization": "awq", "weightBytes": 5 * 10**9},
    ],
    ids=["exact", "with a tower", "quantised"],
)
def test_a_stated_size_that_may_be_true_is_believed(change: Document) -> None:
    model = only_demand(world_from_documents([CHAT, profile(**change)])).model

    assert isinstance(model, Model)
    assert model.weight_bytes == change["weightBytes"]


def test_of_two_profiles_of_one_model_with_different_facts_none_wins() -> None:
    longer = profile("other", weightBytes=16_060_522_496)

    model = only_demand(world_from_documents([CHAT, profile(), longer])).model

    assert isinstance(model, UnknownModel)
    assert "ModelProfiles mine and other state different facts of Qwen/Qwen2.5-7B-Instruct" in model.message


def test_a_profile_that_is_named_counts_although_another_says_something_else() -> None:
    named = {**CHAT, "spec": {**CHAT["spec"], "model": {"profileRef": {"name": "mine"}}}}

    model = only_demand(world_from_documents([named, profile(), profile("other", weightBytes=16_060_522_496)])).model

    assert isinstance(model, Model)
    assert model.source == "ModelProfile mine"


def test_two_profiles_of_one_model_that_agree_are_believed() -> None:
    model = only_demand(world_from_documents([CHAT, profile(), profile("other", qualityScore="0.5")])).model

    assert isinstance(model, Model)


def test_the_order_of_documents_does_not_matter() -> None:
    documents = [POOL, node("a"), node("b"), POLICY, CHAT]

    assert world_from_documents(documents) == world_from_documents(reversed(documents))
