"""Random small worlds, and the question whether the planner and the oracle agree on them.

In: a seed. Out: what differs, nothing where they agree. A world with mixed GPU types has one deployment, because mixes
of equal cost may leave different GPUs to those that follow; there the cost must agree, elsewhere every replica.
"""

from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Any

from benchmarks.plan.oracle import Counts, Oracle, Replica
from inferfleet.api.enums import CapacityType
from inferfleet.api.reasons import Reason, Verdict
from inferfleet.api.v1alpha1 import BudgetPolicySpec, InferenceDeploymentSpec
from inferfleet.catalog.gpus import gpus
from inferfleet.catalog.models import find_model
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand
from inferfleet.domain.gpu import Price
from inferfleet.domain.model import Model
from inferfleet.domain.world import Node, Policy, Pool, World
from inferfleet.plan import decide
from inferfleet.plan.candidates.sizing import HEADROOM

KINDS = ("nvidia-l4-24gb", "nvidia-l40s-48gb", "nvidia-a100-80gb", "nvidia-h100-80gb")
MODELS = ("meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3-32B")
RATES = ("0.3", "2", "9", "23", "41")
PRICES = (None, "0", "0.50", "0.80", "1.86", "1.86", "2.40", "3.43", "6.98")
BUDGETS = ("500", "1500", "4000", "12000")
LARGEST_NODE = 8


def disagreement(seed: int) -> str | None:
    """Decide one random world twice; return what differs, None when nothing does."""
    chance = Random(seed)  # noqa: S311 - a seed that tells a failure, not a secret
    mixed = chance.random() < 0.4
    pools = tuple(_pool(chance, index) for index in range(chance.randint(1, 4)))
    policies = tuple(_policy(index, chance.choice(BUDGETS)) for index in range(chance.randint(0, 2)))
    demands = tuple(_demand(chance, index, mixed=mixed) for index in range(1 if mixed else chance.randint(1, 3)))
    world = World(pools=pools, policies=policies)
    decisions = {item.uid: item for item in decide(world, demands)}
    oracle = Oracle(world)
    for demand in sorted(demands, key=lambda item: item.key):
        counts, usd = oracle.serve(demand, _ability(demand, pools), governed=demand.namespace == "team-a")
        decided = decisions[demand.uid]
        if decided.run_rate.month.usd != usd or bool(decided.placements) != bool(counts):
            planned = f"{_counts(decided)} {decided.run_rate.month.usd}"
            return f"seed {seed}, {demand.name}: planner {planned}, oracle {counts} {usd}"
        if not mixed and _counts(decided) != counts:
            return f"seed {seed}, {demand.name}: planner {_counts(decided)}, brute force {counts} at the same cost"
    return None


def _counts(decision: Decision) -> Counts:
    return tuple(sorted((item.pool, item.tensor_parallel_size, item.replicas) for item in decision.placements))


def _pool(chance: Random, index: int) -> Pool:
    size, usd, name = chance.choice((1, 2, 4, 8)), chance.choice(PRICES), f"pool-{index}"
    nodes = tuple(
        Node(name=f"{name}-{number}", gpus=size, free=chance.randint(0, size)) for number in range(chance.randint(0, 4))
    )
    kind = chance.choice(KINDS)
    return Pool(
        name=name,
        gpu_type=kind,
        gpu=gpus()[kind],
        gpus_per_node=size,
        capacity_type=CapacityType.ON_DEMAND,
        node_selector=(("pool", name),),
        price=None if usd is None else _price(usd),
        max_nodes=chance.randint(0, 6),
        nodes=nodes,
    )


def _price(usd: str) -> Price:
    return Price(capacity_type=CapacityType.ON_DEMAND, usd_per_gpu_hour=Decimal(usd), source="made up")


@lru_cache(maxsize=64)
def _spec(model: str, rate: str, mixed: str, least: int, most: int | None) -> InferenceDeploymentSpec:
    content: dict[str, Any] = {
        "model": {"id": model},
        "workload": {"class": "RealTime"},
        "traffic": {"requestsPerSecond": rate, "inputTokens": 800, "outputTokens": 300},
        "objectives": {"timePerOutputTokenMilliseconds": 120},
        "placement": {"mixedGPUTypes": mixed},
        "scaling": {"minReplicas": least} | ({} if most is None else {"maxReplicas": most}),
    }
    return InferenceDeploymentSpec.model_validate(content)


def _demand(chance: Random, index: int, *, mixed: bool) -> Demand:
    namespace = chance.choice(("team-a", "team-b"))
    model, least = chance.choice(MODELS), 1 if mixed else chance.choice((1, 1, 2))
    most = None if mixed else chance.choice((None, None, 2, 4))
    return Demand(
        uid=f"uid-{index}",
        namespace="team-a" if index == 0 else namespace,
        name=f"d-{index}",
        spec=_spec(model, chance.choice(RATES), "Allowed" if mixed else "Never", least, most),
        model=_model(model),
        namespace_labels=(("team", "team-a" if index == 0 else namespace),),
    )


@lru_cache(maxsize=8)
def _model(model_id: str) -> Model:
    found = find_model(model_id)
    assert isinstance(found, Model)
    return found


@lru_cache(maxsize=8)
def _policy(index: int, usd: str) -> Policy:
    content = {"namespaceSelector": {"matchLabels": {"team": "team-a"}}, "usdPerMonth": usd}
    return Policy(name=f"policy-{index}", spec=BudgetPolicySpec.model_validate(content))


def _ability(demand: Demand, pools: tuple[Pool, ...]) -> dict[tuple[str, int], Replica]:
    """What one replica can do, by pool and size: asked of the planner alone with one pool and GPUs without end."""
    found = {}
    for pool in pools:
        for size, replica in _alone(str(demand.spec.model.id), pool.gpu_type).items():
            if size <= pool.gpus_per_node:
                found[pool.name, size] = replica
    return found


@lru_cache(maxsize=64)
def _alone(model: str, gpu_type: str) -> dict[int, Replica]:
    pool = Pool(
        name="alone",
        gpu_type=gpu_type,
        gpu=gpus()[gpu_type],
        gpus_per_node=LARGEST_NODE,
        capacity_type=CapacityType.ON_DEMAND,
        node_selector=(("pool", "alone"),),
        price=_price("1"),
        nodes_known=False,
    )
    demand = Demand(
        uid="u", namespace="n", name="d", spec=_spec(model, RATES[0], "Never", 1, None), model=_model(model)
    )
    (decision,) = decide(World(pools=(pool,)), [demand])
    return {
        item.tensor_parallel_size: Replica(
            capacity=item.speed.requests_per_second / (1 + HEADROOM[item.speed.confidence]),
            speed=item.speed.requests_per_second,
            probe=item.reason is Reason.TOO_CLOSE,
        )
        for item in decision.candidates
        if item.speed is not None and (item.verdict is not Verdict.REJECTED or item.reason is Reason.TOO_CLOSE)
    }
