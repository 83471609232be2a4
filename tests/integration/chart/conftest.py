"""A cluster of their own for the tests that install the chart.

The session's will not do: it has the CRDs already, and the chart's cluster-wide policies would reach other tests.
"""

import os
from collections.abc import Iterator

import pytest

from tests.controlplane import hardware, nodes
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.objects import Manifest, Objects
from tests.controlplane.waiting import eventually
from tests.integration.chart.helm_chart import CHART, NAMESPACE
from tests.integration.chart.tenancy import (
    ELSEWHERE,
    GPU,
    ON,
    TEAM,
    Actors,
    available,
    child,
    inference_deployment,
    pod,
    refused,
)


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[ControlPlane]:
    """Start a control plane for one file of tests, without our CRDs; it has one node that takes any pod."""
    if os.environ.get("INFERFLEET_TEST_KUBECONFIG"):
        pytest.skip("the chart's tests install cluster-wide objects: they use a control plane of their own")
    with ControlPlane.start() as running:
        nodes.scale_pool(running, nodes.Pool(name="any", gpu=hardware.L40S, tainted=False), 1)
        yield running


@pytest.fixture(scope="module")
def actors(own_cluster: ControlPlane) -> Actors:
    own_cluster.create_namespace(NAMESPACE)
    own_cluster.create_namespace(TEAM, labels={"inferfleet.dev/managed": "true"})
    own_cluster.create_namespace(ELSEWHERE)
    own_cluster.helm("install", "inferfleet", str(CHART), "--namespace", NAMESPACE, "--set", ON)
    own_cluster.kubectl("create", "serviceaccount", "tenant", "-n", TEAM)
    for namespace in (TEAM, ELSEWHERE):
        subject = ("--clusterrole=admin", f"--serviceaccount={TEAM}:tenant", "-n", namespace)
        own_cluster.kubectl("create", "rolebinding", "tenant", *subject)
    own_cluster.wait_for_crd("inferencedeployments.inferfleet.dev")
    tenant = Objects(own_cluster.kubeconfig_for_service_account(TEAM, "tenant"))
    operator = Objects(own_cluster.kubeconfig_for_service_account(NAMESPACE, "inferfleet"))
    eventually(
        lambda: refused(lambda: tenant.create(pod("probe", GPU), dry_run=True)), 30, describe="policies in force"
    )
    return Actors(cluster=own_cluster, operator=operator, tenant=tenant)


@pytest.fixture(scope="module")
def chat(actors: Actors) -> Manifest:
    """Let a tenant ask for a deployment and the operator make its child; return the running child."""
    owner = actors.tenant.create(inference_deployment("chat"))
    actors.operator.apply(child(owner, "chat"), manager="inferfleet.dev/operator")
    return eventually(lambda: available(actors, "chat"), 60)
