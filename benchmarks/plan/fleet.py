"""A fleet to plan for: 40 pools of 125 nodes, a thousand deployments of fifty shapes, ten teams with budgets.

In: sizes. Out: a world and demands, the same on every machine and in every run. Prices, objectives and rates are made
up; GPU types and models are those of the catalogue.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from inferfleet.api.enums import CapacityType
from inferfleet.api.v1alpha1 import BudgetPolicySpec, InferenceDeploymentSpec
from inferfleet.catalog.gpus import gpus
from inferfleet.catalog.models import find_model
from inferfleet.domain.demand import Demand
from inferfleet.domain.gpu import Price
from inferfleet.domain.model import Model
from inferfleet.domain.world import Node, Policy, Pool, World

GPU_TYPES = (
    ("nvidia-l4-24gb", "0.80"),
    ("nvidia-a10g-24gb", "1.20"),
    ("nvidia-l40s-48gb", "1.86"),
    ("nvidia-a100-40gb", "2.40"),
    ("nvidia-a100-80gb", "3.43"),
    ("nvidia-h100-80gb", "6.98"),
    ("nvidia-h200-141gb", "8.40"),
    ("amd-mi300x-192gb", "5.90"),
)
REGIONS = ("eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1")
MODELS = (
    "Qwen/Qwen2.5-7B-Instruct",
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.3-70B-Instruct",
    "Qwen/Qwen3-8B",
    "Qwen/Qwen3-32B",
)
RATES = ("0.2", "0.5", "1", "2", "3")
TOKENS = ((400, 100), (800, 300))
TEAMS = 10
BUDGET = "400000"


def fleet(*, deployments: int, nodes: int, pools: int, shapes: int) -> tuple[World, tuple[Demand, ...]]:
    """Return a world and its demands; at most 50 shapes are told apart."""
    known = {model_id: find_model(model_id) for model_id in MODELS}
    models = [model for model in known.values() if isinstance(model, Model)]
    specs = [_spec(models[index % len(models)], index) for index in range(shapes)]
    demands = tuple(_demand(index, specs[index % shapes], known) for index in range(deployments))
    return (
        World(
            pools=tuple(_pool(index, nodes // pools) for index in range(pools)),
            policies=tuple(_policy(team) for team in range(TEAMS)),
        ),
        demands,
    )


def _pool(index: int, nodes: int) -> Pool:
    """Pools of one GPU type differ in region and price, every fourth is spot."""
    gpu_type, usd = GPU_TYPES[index % len(GPU_TYPES)]
    size = 1 if gpu_type == "nvidia-l4-24gb" else 8
    capacity_type = CapacityType.SPOT if index % 4 == 3 else CapacityType.ON_DEMAND
    name = f"pool-{index:02}"
    return Pool(
        name=name,
        gpu_type=gpu_type,
        gpu=gpus()[gpu_type],
        gpus_per_node=size,
        capacity_type=capacity_type,
        node_selector=(("inferfleet.dev/pool", name),),
        gpu_resource_name="amd.com/gpu" if gpu_type.startswith("amd-") else "nvidia.com/gpu",
        region=REGIONS[index // len(GPU_TYPES) % len(REGIONS)],
        price=Price(
            capacity_type=capacity_type, usd_per_gpu_hour=Decimal(usd) + Decimal(index) / 100, source="made up"
        ),
        nodes=tuple(
            Node(name=f"{name}-{number:03}", gpus=size, free=(number * 7 + index) % (size + 1))
            for number in range(nodes)
        ),
    )


def _spec(model: Model, index: int) -> InferenceDeploymentSpec:
    inputs, outputs = TOKENS[index // len(MODELS) % len(TOKENS)]
    rate = RATES[index // (len(MODELS) * len(TOKENS)) % len(RATES)]
    content: Mapping[str, Any] = {
        "model": {"id": model.id},
        "workload": {"class": "RealTime"},
        "traffic": {"requestsPerSecond": rate, "inputTokens": inputs, "outputTokens": outputs},
    }
    return InferenceDeploymentSpec.model_validate(content)


def _demand(index: int, spec: InferenceDeploymentSpec, known: Mapping[str, Any]) -> Demand:
    team = index // 50 % TEAMS
    namespace = f"team-{team}"
    return Demand(
        uid=f"uid-{index:05}",
        namespace=namespace,
        name=f"deployment-{index:05}",
        spec=spec,
        model=known[str(spec.model.id)],
        namespace_labels=(("kubernetes.io/metadata.name", namespace), ("team", str(team))),
    )


def _policy(team: int) -> Policy:
    content = {"namespaceSelector": {"matchLabels": {"team": str(team)}}, "usdPerMonth": BUDGET}
    return Policy(name=f"team-{team}", spec=BudgetPolicySpec.model_validate(content))
