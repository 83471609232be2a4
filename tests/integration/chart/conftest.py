"""A cluster of their own for the tests that install the chart.

The session's will not do: it has the CRDs already, and the chart's cluster-wide policies would reach other tests.
"""

import os
from collections.abc import Iterator

import pytest

from tests.controlplane import hardware, nodes
from tests.controlplane.controlplane import ControlPlane


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[ControlPlane]:
    """Start a control plane for one file of tests, without our CRDs; it has one node that takes any pod."""
    if os.environ.get("INFERFLEET_TEST_KUBECONFIG"):
        pytest.skip("the chart's tests install cluster-wide objects: they use a control plane of their own")
    with ControlPlane.start() as running:
        nodes.scale_pool(running, nodes.Pool(name="any", gpu=hardware.L40S, tainted=False), 1)
        yield running
