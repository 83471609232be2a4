"""The situations whose manifests are kept as YAML: each shows a choice that a reader wants to see written out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from inferfleet.api.enums import CapacityType, Role
from inferfleet.domain.decision import BudgetVerdict, Decision
from inferfleet.domain.demand import Demand
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import GIB
from inferfleet.domain.naming import child_name
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool, Toleration
from inferfleet.render import RenderFacts
from tests.builders import BATCH, LLAMA_70B, demand, pool, price

FACTS = RenderFacts(worker_image="example.org/inferfleet/inferfleet:0.1.0")
SPOT = CapacityType.SPOT

L40S = pool(
    "l40s-od",
    "nvidia-l40s-48gb",
    node_selector=(("karpenter.sh/nodepool", "l40s-od"),),
    tolerations=(Toleration(key="nvidia.com/gpu", operator="Exists"),),
    node_cpu=Decimal(44),
    node_memory_bytes=340 * GIB,
)
L40S_SPOT = replace(L40S, name="l40s-spot", capacity_type=SPOT, node_selector=(("karpenter.sh/nodepool", "l40s-spot"),))
H100 = pool("h100-reserved", "nvidia-h100-80gb", gpus_per_node=8, capacity_type=CapacityType.RESERVED)
MI300X = pool("mi300x", "amd-mi300x-192gb", gpus_per_node=8, gpu_resource_name="amd.com/gpu")


def placement(
    of: Pool,
    *,
    name: str = "chat",
    first: bool = True,
    gpus: int = 1,
    replicas: int = 1,
    role: Role = Role.BASE,
    **engine: Any,
) -> Placement:
    settings = EngineSettings(
        version="0.32.0",
        tensor_parallel_size=gpus,
        max_model_len=8192,
        max_num_seqs=256,
        max_num_batched_tokens=8192,
        gpu_memory_utilization=0.9,
    )
    return Placement(
        name=child_name(name, gpu_type=of.gpu_type, pool=of.name, capacity_type=of.capacity_type, first=first),
        pool=of.name,
        gpu_type=of.gpu_type,
        capacity_type=of.capacity_type,
        tensor_parallel_size=gpus,
        replicas=replicas,
        engine=replace(settings, **engine),
        price=price("2", of.capacity_type),
        role=role,
    )


def decision(of: Demand, *placements: Placement, suspended: bool = False) -> Decision:
    return Decision(
        uid=of.uid,
        namespace=of.namespace,
        name=of.name,
        placements=placements,
        candidates=(),
        blocked=None,
        message="",
        budget=BudgetVerdict(within=True, reason="NoPolicy", message=""),
        suspended=suspended,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One situation."""

    demand: Demand
    decision: Decision
    pools: Mapping[str, Pool]
    facts: RenderFacts = field(default=FACTS)


def case(of: Demand, *placed: tuple[Placement, Pool], suspended: bool = False) -> Case:
    return Case(
        demand=of,
        decision=decision(of, *(where for where, _ in placed), suspended=suspended),
        pools={at.name: at for _, at in placed},
    )


CHAT = demand("chat")
SUMMARIES = demand("summaries", base=BATCH)
_SECRET = {"name": "hub", "key": "token"}
_DIGEST = "example.org/acme/vllm@sha256:" + "0123456789abcdef" * 4
_REMOTE = {
    "input": {"persistentVolumeClaim": None, "urlSecretRef": {"name": "signed", "key": "input"}},
    "output": {
        "persistentVolumeClaim": None,
        "s3": {
            "bucket": "results",
            "key": "2026/11/",
            "endpoint": "https://s3.example.org",
            "credentialsSecretRef": {"name": "store"},
        },
    },
}

CASES: dict[str, Case] = {
    "one-gpu-two-replicas": case(CHAT, (placement(L40S, replicas=2), L40S)),
    "four-gpus-with-token-and-cache": case(
        demand(
            "chat",
            model={
                "id": LLAMA_70B,
                "revision": "6f6073b",
                "tokenSecretRef": _SECRET,
                "cache": {"persistentVolumeClaim": {"claimName": "models"}},
            },
        ),
        (placement(H100, gpus=4), H100),
    ),
    "air-gapped-with-api-key": case(
        demand(
            "chat",
            model={"source": "PersistentVolumeClaim", "claimName": "weights", "path": "llama/8b/"},
            engine={"apiKeySecretRef": {"name": "clients", "key": "api-key"}},
        ),
        (placement(L40S, quantization="fp8"), L40S),
    ),
    "amd": case(CHAT, (placement(MI300X, gpus=2), MI300X)),
    "own-image-and-extra-arguments": case(
        demand(
            "chat",
            engine={"image": _DIGEST, "version": "0.32.0", "extraArgs": ["--enable_prefix_caching", "--seed", "7"]},
        ),
        (placement(L40S), L40S),
    ),
    "base-and-spot-overflow": case(
        demand("chat", placement={"spotPolicy": "Allowed"}),
        (placement(L40S, replicas=1), L40S),
        (placement(L40S_SPOT, first=False, replicas=3, role=Role.OVERFLOW), L40S_SPOT),
    ),
    "batch-on-spot": case(SUMMARIES, (placement(L40S_SPOT, name="summaries"), L40S_SPOT)),
    "batch-from-signed-url-to-object-store": case(
        demand("summaries", base=BATCH, batch={**_REMOTE, "deadlineSeconds": None}),
        (placement(L40S, name="summaries"), L40S),
    ),
}
