"""A real Kubernetes control plane for tests and the demo: no Docker, no cloud, no root.

In: Go sources in `binaries/`, built once and cached. Out: running clusters whose nodes and pods are played by KWOK.
Nothing in the product may import this package, and nothing here may depend on how the product decides.
"""

from tests.controlplane.cluster import Cluster, CommandFailedError
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.objects import ApiError, Objects
from tests.controlplane.waiting import eventually

__all__ = ["ApiError", "Cluster", "CommandFailedError", "ControlPlane", "Objects", "eventually"]
