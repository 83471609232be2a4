"""Short ways to build the values that tests are about; everything not named is a sane default.

Objects are built from the YAML a user would write, so that tests also walk through the border.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from inferfleet.api.enums import CapacityType
from inferfleet.api.v1alpha1 import BudgetPolicySpec, InferenceDeploymentSpec
from inferfleet.catalog.gpus import gpus
from inferfleet.catalog.models import find_model
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Bound, Demand, Holding, Pods
from inferfleet.domain.gpu import Price
from inferfleet.domain.model import Model
from inferfleet.domain.observed import PodFacts
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Node, Policy, Pool, World

LLAMA_8B = "meta-llama/Llama-3.1-8B-Instruct"
LLAMA_70B = "meta-llama/Llama-3.3-70B-Instruct"


def pod_facts(**facts: Any) -> PodFacts:
    """A ready pod of `chat`, but for what is given."""
    base = PodFacts(
        uid="p",
        namespace="team-a",
        name="chat-1",
        node="n1",
        requests=(),
        deployment="chat",
        owner="rs",
        owner_name="chat-abc",
        phase="Running",
        ready=True,
        deleting=False,
    )
    return replace(base, **facts)


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings; a value of None removes the key."""
    result = dict(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


REAL_TIME: dict[str, Any] = {
    "model": {"id": LLAMA_8B},
    "workload": {"class": "RealTime"},
    "traffic": {"requestsPerSecond": "1", "inputTokens": 800, "outputTokens": 300},
}
BATCH: dict[str, Any] = {
    "model": {"id": "Qwen/Qwen2.5-7B-Instruct"},
    "workload": {"class": "Batch", "category": "Experimentation"},
    "batch": {
        "input": {"persistentVolumeClaim": {"claimName": "prompts", "path": "in.jsonl"}},
        "output": {"persistentVolumeClaim": {"claimName": "prompts", "path": "out/result.jsonl"}},
        "requests": 50000,
        "inputTokens": 1000,
        "outputTokens": 200,
        "deadlineSeconds": 28800,
    },
}


# Llama 3.1 8B's, as a ModelProfile states it.
PROFILE_CONFIG: dict[str, Any] = {
    "hiddenSize": 4096,
    "numHiddenLayers": 32,
    "numAttentionHeads": 32,
    "numKeyValueHeads": 8,
    "headDim": 128,
    "intermediateSize": 14336,
    "vocabSize": 128256,
}


def spec(base: Mapping[str, Any] = REAL_TIME, **change: Any) -> InferenceDeploymentSpec:
    return InferenceDeploymentSpec.model_validate(merged(base, change))


def model(model_id: str) -> Model:
    found = find_model(model_id)
    assert isinstance(found, Model), model_id
    return found


def demand(
    name: str = "chat", *, base: Mapping[str, Any] = REAL_TIME, namespace: str = "team-a", **change: Any
) -> Demand:
    """A demand in a namespace labelled with its own name and `team: a`."""
    asked = spec(base, **change)
    return Demand(
        uid=f"uid-{namespace}-{name}",
        namespace=namespace,
        name=name,
        spec=asked,
        model=model(asked.model.id or LLAMA_8B),
        namespace_labels=(("kubernetes.io/metadata.name", namespace), ("team", namespace[-1])),
    )


def price(usd: str, capacity_type: CapacityType = CapacityType.ON_DEMAND, **change: Any) -> Price:
    """USD per GPU-hour, as a pool states it."""
    return replace(Price(capacity_type=capacity_type, usd_per_gpu_hour=Decimal(usd), source="the pool"), **change)


def pool(
    name: str,
    gpu_type: str,
    *,
    nodes: int = 2,
    gpus_per_node: int = 4,
    capacity_type: CapacityType = CapacityType.ON_DEMAND,
    usd: str | None = "2.00",
    free: Iterable[int] | None = None,
    **change: Any,
) -> Pool:
    """A pool of ready nodes with all GPUs free, unless `free` says how many are on each."""
    counts = list(free) if free is not None else [gpus_per_node] * nodes
    gpu = gpus().get(gpu_type)
    built = Pool(
        name=name,
        gpu_type=gpu_type,
        gpu=gpu,
        gpus_per_node=gpus_per_node,
        capacity_type=capacity_type,
        node_selector=(("inferfleet.dev/pool", name),),
        price=price(usd, capacity_type, source=f"pool {name}")
        if usd is not None
        else gpu.price(capacity_type)
        if gpu
        else None,
        nodes=tuple(Node(name=f"{name}-{index}", gpus=gpus_per_node, free=count) for index, count in enumerate(counts)),
    )
    return replace(built, **change)


def policy(name: str = "team-a", usd: str = "5000", **change: Any) -> Policy:
    """A budget policy over the namespaces of team a."""
    base = {"namespaceSelector": {"matchLabels": {"team": "a"}}, "usdPerMonth": usd}
    return Policy(name=name, spec=BudgetPolicySpec.model_validate(merged(base, change)))


def world(*pools: Pool, policies: Iterable[Policy] = (), holdings: Iterable[Holding] = (), **change: Any) -> World:
    return World(
        pools=pools,
        policies=tuple(policies),
        holdings={holding.uid: holding for holding in holdings},
        **change,
    )


def holding(of: Demand, decision: Decision, bound: Iterable[Bound] = (), **change: Any) -> Holding:
    """What a demand holds after its decision was carried out; `change` replaces fields."""
    built = Holding(
        uid=of.uid,
        namespace=of.namespace,
        name=of.name,
        workload_class=of.spec.workload.workload_class,
        category=of.spec.workload.category,
        priority=of.spec.workload.priority,
        namespace_labels=of.namespace_labels,
        placements=decision.placements,
        bound=tuple(bound),
        history=decision.history,
        generation=of.generation,
    )
    return replace(built, **change)


def all_ready(decision: Decision) -> tuple[Pods, ...]:
    """The pods of a decision's placements, each with a node and ready."""
    return tuple(
        Pods(placement=item.name, ready=item.replicas, scheduled=item.replicas) for item in decision.placements
    )


def waiting_for_nodes(decision: Decision, since: datetime, *, scheduled: int = 0) -> tuple[Pods, ...]:
    """The pods of a decision's placements: `scheduled` of each run, the others find no node since then."""
    return tuple(
        Pods(
            placement=item.name,
            ready=scheduled,
            scheduled=scheduled,
            unscheduled=item.replicas - scheduled,
            unscheduled_since=since,
        )
        for item in decision.placements
    )


def placed(decision: Decision) -> Placement:
    """The only placement of a decision."""
    (placement,) = decision.placements
    return placement
