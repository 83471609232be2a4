"""The PodDisruptionBudget of a real-time InferenceDeployment with several replicas.

With one replica there is none: it would block every drain of its node for ever.
"""

from inferfleet.domain.owner import Owner
from inferfleet.render import labels
from inferfleet.render.labels import Component
from inferfleet.render.manifest import Body, Manifest, manifest

LEAST_REPLICAS = 2


def disruption_budget(owner: Owner) -> Manifest:
    """Return the budget over all placements: one pod at a time, and pods that do not work never block a drain."""
    body: Body = {
        "metadata": {"name": owner.name, "labels": labels.common(owner, Component.ENGINE)},
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": labels.selector(owner)},
        },
    }
    return manifest("policy/v1", "PodDisruptionBudget", owner, body)
