"""How the objects that an object of ours owns are recognised: label keys, an annotation, names of containers.

Written by `render`, read by everything that looks at a cluster.
"""

from typing import NamedTuple

from inferfleet.domain.keys import Kind

DEPLOYMENT_LABEL = "inferfleet.dev/deployment"
"""Label of every child and its pods: the name of the InferenceDeployment."""

PLACEMENT_LABEL = "inferfleet.dev/placement"
"""Label of a workload and its pods: the name of the placement."""

HASH_ANNOTATION = "inferfleet.dev/manifest-hash"
"""Annotation of every child: the hash of the manifest that it was written from."""

ENGINE_CONTAINER = "engine"
WORKER_CONTAINER = "worker"


def owner_label(kind: Kind) -> str:
    """Return the label of every child, and of its pods, that names the owner of this kind."""
    match kind:
        case Kind.INFERENCE_DEPLOYMENT:
            return DEPLOYMENT_LABEL


class ChildIdentity(NamedTuple):
    """What tells a child from all others, before it exists and afterwards."""

    kind: str
    namespace: str
    name: str
