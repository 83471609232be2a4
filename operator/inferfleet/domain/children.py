"""How the objects that an InferenceDeployment owns are recognised: label keys, an annotation, names of containers.

Written by `render`, read by everything that looks at a cluster.
"""

from typing import NamedTuple

DEPLOYMENT_LABEL = "inferfleet.dev/deployment"
"""Label of every child and its pods: the name of the InferenceDeployment."""

PLACEMENT_LABEL = "inferfleet.dev/placement"
"""Label of a workload and its pods: the name of the placement."""

HASH_ANNOTATION = "inferfleet.dev/manifest-hash"
"""Annotation of every child: the hash of the manifest that it was written from."""

ENGINE_CONTAINER = "engine"
WORKER_CONTAINER = "worker"


class ChildIdentity(NamedTuple):
    """What tells a child from all others, before it exists and afterwards."""

    kind: str
    namespace: str
    name: str
