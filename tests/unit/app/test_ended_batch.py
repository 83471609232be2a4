"""A batch that is over: its Job is never made again, whatever somebody edits or deletes afterwards."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from inferfleet.api.reasons import ReadyReason
from inferfleet.api.v1alpha1 import InferenceDeploymentStatus
from inferfleet.app.planner import Decided
from inferfleet.domain.decision import Decision
from inferfleet.plan import decide
from inferfleet.report.observation import UP_TO_DATE, Observation
from inferfleet.report.status import status
from tests.builders import BATCH, demand, holding, pool, world
from tests.unit.observe.test_snapshot import STATUS, Cluster

WHERE = world(pool("l40s", "nvidia-l40s-48gb"))
ASKED = demand("job", base=BATCH, placement={"spotPolicy": "Never"})
WORKLOAD, INPUT = BATCH["workload"], BATCH["batch"]


def ended(*, edited: bool = False) -> Decision:
    (started,) = decide(WHERE, [ASKED])
    over = replace(holding(ASKED, started), finished=True)
    changed = demand("job", base=BATCH, placement={"spotPolicy": "Never"}, engine={"maxModelLen": 4096})
    now = replace(changed, generation=2) if edited else ASKED
    (decision,) = decide(replace(WHERE, holdings={over.uid: over}), [now])
    return decision


def stored(reason: str, **change: Any) -> dict[str, Any]:
    ready = {
        "type": "Ready", "status": "True", "reason": reason, "message": "as it ended", "observedGeneration": 1,
        "lastTransitionTime": "2026-11-01T00:00:00Z",
    }  # fmt: skip
    return {**STATUS, "conditions": [*STATUS["conditions"], ready], **change}


def test_an_edit_of_an_ended_batch_changes_nothing_in_the_cluster() -> None:
    decided = Decided(uid=ASKED.uid, generation=2, decision=ended(edited=True), demand=ASKED, pools={})
    assert decided.leave_alone


def test_an_edit_of_an_ended_batch_is_not_reported_as_done() -> None:
    decision = ended(edited=True)
    assert (decision.blocked, decision.ended) == (ReadyReason.INVALID_SPEC, True)
    assert "not run" in decision.message


@pytest.mark.parametrize("reason", ["Completed", "Failed", "DeadlineExceeded"])
def test_a_batch_without_its_job_is_over_when_the_status_says_so(reason: str) -> None:
    cluster = Cluster()
    cluster.deployment("job", status=stored(reason), workload=WORKLOAD, batch=INPUT, traffic=None)
    assert cluster.snapshots.holdings()["uid-job"].finished


def test_a_batch_that_was_edited_after_its_end_stays_over_when_its_job_is_deleted() -> None:
    conditions = [item | {"status": "Unknown"} for item in STATUS["conditions"]]
    cluster = Cluster()
    edited = stored("InvalidSpec")
    edited["conditions"][:-1] = conditions
    cluster.deployment("job", status=edited, workload=WORKLOAD, batch=INPUT, traffic=None)
    assert cluster.snapshots.holdings()["uid-job"].finished


@pytest.mark.parametrize(
    ("reason", "change"), [("Progressing", {}), ("DeadlineExceeded", {"placements": []}), ("InvalidSpec", {})]
)
def test_a_batch_that_runs_or_never_started_is_not_over(reason: str, change: dict[str, Any]) -> None:
    cluster = Cluster()
    cluster.deployment("job", status=stored(reason, **change), workload=WORKLOAD, batch=INPUT, traffic=None)
    cluster.pod("job-1")
    found = cluster.snapshots.holdings().get("uid-job")
    assert found is None or not found.finished


def test_the_status_remembers_how_a_batch_ended_when_its_job_is_deleted() -> None:
    seen = Observation(
        generation=1, spec=ASKED.spec, decision=ended(), application=UP_TO_DATE, children={}, pods=(), may_grow=False,
        now=datetime(2026, 11, 2, tzinfo=UTC),
    )  # fmt: skip
    ready = status("job", InferenceDeploymentStatus.model_validate(stored("Completed")), seen).conditions[-1]
    assert (ready.type, ready.reason, ready.message, ready.observed_generation) == (
        "Ready",
        "Completed",
        "as it ended",
        1,
    )
