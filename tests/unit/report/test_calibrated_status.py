"""Calibration in the status: figures beside the estimate, and out of memory with its numbers and what comes next."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from inferfleet.api.conditions import find_condition
from inferfleet.api.enums import Confidence
from inferfleet.api.reasons import ConditionType, ReadyReason
from inferfleet.api.v1alpha1 import InferenceDeploymentSpec, InferenceDeploymentStatus
from inferfleet.api.v1alpha1.inference_deployment_status import MemoryStatus
from inferfleet.app.calibration import calibrated
from inferfleet.domain.decision import Decision
from inferfleet.domain.observed import ContainerFacts, PodFacts
from inferfleet.report.observation import UP_TO_DATE, Calibrated, Observation
from inferfleet.report.status import status
from tests.builders import pod_facts
from tests.unit.app.engine_scene import Scene
from tests.unit.app.test_calibration_book import book

SCENE = Scene()
ENDED = pod_facts(
    uid="uid-chat-1",
    ready=False,
    containers=(
        ContainerFacts(name="engine", waiting="CrashLoopBackOff", last_terminated="Error", last_message="exit 1"),
    ),
)


def written(
    known: Calibrated | None,
    *pods: PodFacts,
    decision: Decision = SCENE.decision,
    spec: InferenceDeploymentSpec = SCENE.demand.spec,
) -> InferenceDeploymentStatus:
    seen = Observation(
        generation=1,
        spec=spec,
        decision=decision,
        application=UP_TO_DATE,
        children={},
        pods=pods,
        may_grow=False,
        now=datetime(2026, 11, 1, tzinfo=UTC),
        calibrated=known,
    )
    return status("chat", InferenceDeploymentStatus(), seen)


def with_calibration(**known: object) -> Calibrated | None:
    kept = book()
    (subject,) = SCENE.subjects()
    kept.add(subject.setting.calibration(**known))
    return calibrated(kept, SCENE.decided, "")


def test_measured_figures_stand_beside_the_estimate() -> None:
    memory = written(with_calibration(kv_cache_gib=20.0, kv_cache_tokens=163_840)).memory
    estimate = written(None).memory
    assert memory is not None
    assert memory.measured is not None
    assert (str(memory.measured.kv_cache_gib), memory.measured.kv_cache_tokens) == ("20.00", 163_840)
    assert estimate_of(memory) == estimate_of(estimate)
    assert memory.confidence is Confidence.MEASURED


def test_without_a_calibration_nothing_is_measured() -> None:
    memory = written(calibrated(book(), SCENE.decided, "")).memory
    assert memory is not None
    assert memory.measured is None


def test_a_speed_alone_is_no_measured_memory() -> None:
    memory = written(with_calibration(speed_scale=1.2)).memory
    assert memory is not None
    assert memory.measured is None
    assert memory.confidence is not Confidence.MEASURED


def test_figures_of_an_engine_out_of_memory_are_none_of_a_running_one() -> None:
    memory = written(with_calibration(kv_cache_gib=4.5, out_of_memory="too little")).memory
    assert memory is not None
    assert memory.measured is None


def test_out_of_memory_found_in_the_log_is_reported_with_what_is_planned_now() -> None:
    known = Calibrated(out_of_memory="pod chat-1: CUDA out of memory; predicted were 23 GiB")
    ready = written(known, ENDED).conditions[-1]
    assert ready.reason == ReadyReason.ENGINE_OUT_OF_MEMORY
    assert "predicted were 23 GiB; planned now: 8192 tokens on nvidia-l40s-48gb" in ready.message


def test_out_of_memory_that_is_retried_calls_nobody() -> None:
    known = Calibrated(out_of_memory="pod chat-1: CUDA out of memory")
    assert written(known, ENDED).conditions[-1].type == "Ready"


def test_out_of_memory_with_nothing_left_to_try_calls_a_person() -> None:
    exhausted = replace(SCENE.decision, blocked=ReadyReason.ENGINE_OUT_OF_MEMORY, placements=())
    last = written(None, decision=exhausted).conditions[-1]
    assert (last.type, last.reason) == ("Stalled", ReadyReason.ENGINE_OUT_OF_MEMORY)


def test_while_the_hub_is_asked_nobody_is_called() -> None:
    asking = replace(SCENE.decision, blocked=ReadyReason.MODEL_UNKNOWN, placements=(), pending=True)
    assert written(None, decision=asking).conditions[-1].type == "Ready"


def estimate_of(memory: MemoryStatus | None) -> MemoryStatus:
    assert memory is not None
    return memory.model_copy(update={"measured": None, "confidence": None})


def first_token(known: Calibrated | None) -> tuple[str, str, str]:
    objectives = SCENE.demand.spec.objectives.model_copy(update={"time_to_first_token_milliseconds": 2000})
    spec = SCENE.demand.spec.model_copy(update={"objectives": objectives})
    found = find_condition(written(known, spec=spec).conditions, ConditionType.TIME_TO_FIRST_TOKEN)
    assert found is not None
    return found.status, found.reason, found.message


def test_a_time_to_first_token_is_not_verified_until_an_engine_tells() -> None:
    assert first_token(None)[:2] == ("Unknown", "NotVerified")


@pytest.mark.parametrize(("seen", "kept"), [(1999.6, "True"), (2500.0, "False")])
def test_a_measured_time_to_first_token_is_held_against_the_objective(seen: float, kept: str) -> None:
    status_, reason, message = first_token(with_calibration(speed_scale=1.0, first_token_ms=seen))
    assert (status_, reason) == (kept, "Measured")
    assert f"{seen:.0f} ms" in message


def test_nobody_is_told_of_a_time_to_first_token_that_nobody_asked_for() -> None:
    assert find_condition(written(None).conditions, ConditionType.TIME_TO_FIRST_TOKEN) is None
