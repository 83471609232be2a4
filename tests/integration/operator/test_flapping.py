"""A node that comes and goes costs next to nothing: decisions are gathered, and what is not new is not written."""

from __future__ import annotations

import pytest

from tests.controlplane.nodes import Pool, mark_not_ready, mark_ready, wait_until_ready
from tests.controlplane.waiting import eventually
from tests.integration.operator.conftest import Team
from tests.integration.operator.quiet import wait_until_quiet

pytestmark = pytest.mark.usefixtures("operator")

FLAPS = 10


def test_a_flapping_node_leads_to_no_write_about_those_who_do_not_run_there(team: Team, pool: Pool) -> None:
    names = [f"chat-{number}" for number in range(3)]
    for name in names:
        team.apply(name)
    for name in names:
        team.wait(name)
    used = {pod["spec"]["nodeName"] for pod in team.children("Pod")}
    nodes = [node["metadata"]["name"] for node in team.cluster.objects.list("v1", "Node", labels=pool.selector)]
    free = next(name for name in nodes if name not in used)
    wait_until_quiet(team.cluster)
    before = team.cluster.audit_position()

    for _ in range(FLAPS):
        mark_not_ready(team.cluster, free)
        eventually(lambda: not_ready(team, free), 30)
        mark_ready(team.cluster, free)
        wait_until_ready(team.cluster, free)

    writes = [
        write.target
        for write in team.cluster.writes(after=before)
        if "inferfleet" in write.user_agent and write.target.startswith("inferencedeployments")
    ]
    assert writes == []


def not_ready(team: Team, name: str) -> bool:
    node = team.cluster.objects.get("v1", "Node", name)
    return any(item["type"] == "Ready" and item["status"] != "True" for item in node["status"]["conditions"])
