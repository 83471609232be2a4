"""A calibration outlives the operator process that made it."""

from __future__ import annotations

import json

from tests.controlplane.behaviour import behave, crash_loop
from tests.controlplane.operator_process import OperatorProcess
from tests.controlplane.waiting import eventually
from tests.fake_hub import FakeHub
from tests.integration.calibration.conftest import start_operator
from tests.integration.chart.helm_chart import NAMESPACE
from tests.integration.operator.conftest import Document, Team, condition

OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 786.00 MiB."


def test_a_setting_that_ran_out_of_memory_is_not_tried_again_after_a_restart(
    team: Team, operator: OperatorProcess, hub: FakeHub
) -> None:
    with behave(team.cluster, crash_loop(message=OUT_OF_MEMORY), namespace=team.namespace):
        team.apply("chat", placement={"maxTensorParallelSize": 1})
        eventually(lambda: released(team), 60, describe="released")
    eventually(lambda: not team.children("Pod"), 60)
    assert operator.stop() == 0
    (calibration,) = stored(team)

    with start_operator(team.cluster, hub) as successor:
        team.apply("other")  # decided after the restart: the same setting, so two GPUs are next
        other = team.wait("other")
        item = team.get("chat")
        assert "1 calibrations were stored before" in successor.log()

    assert "CUDA out of memory" in str(calibration["out_of_memory"])
    assert other["status"]["placement"]["tensorParallelSize"] == 2
    assert condition(item)["reason"] == "EngineOutOfMemory"
    assert [child["metadata"]["name"] for child in team.children()] == ["other"]


def released(team: Team) -> Document:
    item = team.get("chat")
    assert condition(item, "Stalled").get("reason") == "EngineOutOfMemory", condition(item)
    return item


def stored(team: Team) -> list[Document]:
    """The calibrations of this team as they are kept."""
    kept = team.cluster.objects.get("v1", "ConfigMap", "inferfleet-calibration", NAMESPACE)
    calibrations: list[Document] = json.loads(kept["data"]["calibrations.json"])
    return [calibration for calibration in calibrations if calibration["namespace"] == team.namespace]
