"""What to try in a running demo: exact commands, what they show, and how to undo them.

In: a cluster in which the examples run. Out: commands for bash, in which kubectl, inferfleet and KUBECONFIG mean the
demo's. Every one of them is executed by `tests/integration/demo/test_next_steps.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.controlplane.cluster import Cluster
from tests.controlplane.demo.answers import pods_of
from tests.controlplane.demo.world import API


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """One thing to try. `shows` says what is to be seen then."""

    name: str
    title: str
    commands: tuple[str, ...]
    shows: str
    undo: tuple[str, ...]


def next_steps(cluster: Cluster) -> list[NextStep]:
    """Return what can be tried now; names of nodes are those of this very cluster."""
    chat = cluster.objects.get(API, "InferenceDeployment", "chat", "default")
    nodes = [pod["spec"]["nodeName"] for pod in pods_of(cluster, chat) if "nodeName" in pod["spec"]]
    pool, price = "a100-od", cluster.objects.get(API, "GPUPool", "a100-od")["spec"]["usdPerGPUHour"]
    patch = "kubectl patch {} --type merge -p '{}'"
    return [
        NextStep(
            name="price",
            title="Edit a price",
            commands=(
                patch.format(f"gpup {pool}", '{"spec":{"usdPerGPUHour":"4.50"}}'),
                "inferfleet explain infd/chat -n default",
            ),
            shows="chat keeps its GPU, its cost follows the price, and the budget pays for it",
            undo=(patch.format(f"gpup {pool}", f'{{"spec":{{"usdPerGPUHour":"{price}"}}}}'),),
        ),
        *(
            NextStep(
                name="drain",
                title="Drain the node that chat runs on",
                commands=(
                    f"kubectl drain {node} --delete-emptydir-data --ignore-daemonsets",
                    "kubectl rollout status deployment/chat",
                    "kubectl get pods -o wide",
                ),
                shows="the pod is back on the pool's other node",
                undo=(f"kubectl uncordon {node}",),
            )
            for node in nodes[:1]
        ),
        NextStep(
            name="budget",
            title="Ask for more than the budget holds",
            commands=(
                "sed s/assistant-70b/second-70b/ examples/large-model.yaml | kubectl apply -f -",
                "kubectl wait --for=condition=Stalled infd/second-70b",
                "kubectl describe infd second-70b",
            ),
            shows="it is refused with OverBudget, what it needs, what is left and who holds the rest; no pod starts",
            undo=("kubectl delete infd second-70b",),
        ),
        NextStep(
            name="traffic",
            title="Let more traffic come",
            commands=(
                patch.format("infd chat", '{"spec":{"traffic":{"requestsPerSecond":"12"}}}'),
                "kubectl wait --for=jsonpath='{.status.readyReplicas}'=2 infd/chat --timeout=60s",
                "kubectl get infd chat",
            ),
            shows="a second replica is reserved first and started then; after the undo it stays for 30 minutes",
            undo=(patch.format("infd chat", '{"spec":{"traffic":{"requestsPerSecond":"4"}}}'),),
        ),
    ]
