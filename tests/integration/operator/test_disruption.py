"""Kills, restarts, lost connections and two operators at once: nothing is lost, nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.controlplane import ControlPlane
from tests.controlplane.nodes import Pool
from tests.controlplane.operator_process import OperatorProcess
from tests.controlplane.waiting import eventually
from tests.integration.operator.conftest import API, Team, condition, real_time
from tests.integration.operator.quiet import ours, wait_until_quiet

pytestmark = pytest.mark.usefixtures("pool")


@pytest.fixture
def lonely(module_cluster: ControlPlane, pool: Pool) -> Iterator[OperatorProcess]:
    """An operator of one test, which may kill it."""
    with OperatorProcess.start(module_cluster) as running:
        yield running


def test_a_restart_without_drift_writes_nothing(team: Team, lonely: OperatorProcess) -> None:
    for number in range(3):
        team.apply(f"chat-{number}")
    team.apply("unknown", model={"id": "nobody/knows-this"})
    for number in range(3):
        team.wait(f"chat-{number}")
    team.wait("unknown", "ModelUnknown")
    wait_until_quiet(team.cluster)
    lonely.stop()
    before = team.cluster.audit_position()

    with OperatorProcess.start(team.cluster, name="second-life") as second:
        wait_for_passes(second, 4)
        wait_until_quiet(team.cluster)

        assert ours(team.cluster.writes(after=before)) == []


def test_a_kill_in_a_burst_leaves_exactly_one_deployment_each(team: Team, lonely: OperatorProcess) -> None:
    names = [f"burst-{number:03}" for number in range(200)]
    for name in names:
        team.apply(name, placement={"pools": ["nowhere"]} if name.endswith("9") else {})
    eventually(lambda: len(team.children()) >= 2, 60)
    lonely.kill()

    with OperatorProcess.start(team.cluster, name="second-life", settings={"LEASE_NAME": "other"}):

        def settled() -> list[str]:
            reasons = {name: condition(team.get(name)).get("reason") for name in names}
            assert set(reasons.values()) == {"Serving", "NoCapacity", "NoMatchingPool"}, set(reasons.values())
            found = [name for name, reason in reasons.items() if reason == "Serving"]
            assert len(found) == 16  # four nodes of four GPUs, once the pods of the test before have left them
            return found

        serving = eventually(settled, 120)

    assert sorted(child["metadata"]["name"] for child in team.children()) == sorted(serving)


def test_the_api_server_may_restart_under_the_operator(team: Team, lonely: OperatorProcess) -> None:
    team.apply("before")
    team.wait("before")

    team.cluster.restart_apiserver()

    team.apply("after")
    team.wait("after", timeout=90)
    assert lonely.answer("/livez") == 200


def test_a_deletion_that_happened_while_the_watch_was_lost_is_noticed(team: Team, lonely: OperatorProcess) -> None:
    team.apply("chat")
    team.wait("chat")

    team.cluster.expire_watches()
    team.cluster.objects.delete("apps/v1", "Deployment", "chat", team.namespace)

    eventually(lambda: [child for child in team.children() if child["metadata"]["name"] == "chat"], 90)
    team.wait("chat", timeout=90)


def test_of_two_operators_one_acts_and_the_other_takes_over(team: Team, lonely: OperatorProcess) -> None:
    with OperatorProcess.start(team.cluster, name="standby") as standby:
        assert leads(lonely)
        assert not leads(standby)
        before = team.cluster.audit_position()
        team.apply("first")
        team.wait("first")
        assert len([write for write in ours(team.cluster.writes(after=before)) if write[1] == "deployments"]) == 1

        lonely.kill()

        team.apply("second")
        team.wait("second", timeout=90)
        assert leads(standby)


def test_a_stopped_operator_gives_the_lease_back(team: Team, lonely: OperatorProcess) -> None:
    eventually(lambda: leads(lonely), 30)

    assert lonely.stop() == 0

    lease = team.cluster.objects.get("coordination.k8s.io/v1", "Lease", "inferfleet", "default")
    assert lease["spec"].get("holderIdentity", "") == ""


def test_a_deployment_deleted_while_no_operator_runs_leaves_no_trace(team: Team, lonely: OperatorProcess) -> None:
    team.apply("chat")
    team.wait("chat")
    lonely.stop()
    team.delete("chat")
    team.cluster.objects.apply(real_time("other", team.namespace))

    with OperatorProcess.start(team.cluster, name="second-life"):
        team.wait("other", timeout=90)

    eventually(lambda: [child["metadata"]["name"] for child in team.children()] == ["other"], 60)
    assert team.cluster.objects.find(API, "InferenceDeployment", "chat", team.namespace) is None


def leads(operator: OperatorProcess) -> bool:
    return 'leader_election_master_status{name="inferencedeployment"} 1.0' in operator.metrics()


def passes(operator: OperatorProcess) -> float:
    """Reconciliations that ended well."""
    line = 'controller_runtime_reconcile_total{controller="inferencedeployment",result="success"}'
    return sum(float(text.split()[-1]) for text in operator.metrics().splitlines() if text.startswith(line))


def wait_for_passes(operator: OperatorProcess, count: int) -> None:
    eventually(lambda: passes(operator) >= count, 60)


def test_with_watched_namespaces_all_others_are_left_alone(team: Team, pool: Pool) -> None:
    elsewhere = team.cluster.create_namespace("elsewhere")
    settings = {"WATCH_NAMESPACES": team.namespace, "LEASE_NAME": "watching-one"}
    try:
        with OperatorProcess.start(team.cluster, name="watching-one", settings=settings):
            team.cluster.objects.apply(real_time("not-mine", elsewhere))
            team.apply("mine")
            team.wait("mine", timeout=90)

            assert "status" not in team.cluster.objects.get(API, "InferenceDeployment", "not-mine", elsewhere)
    finally:
        team.cluster.delete_namespace(elsewhere)
