"""Reasons, conditions, quantities and names: small pure parts of the API."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from inferfleet.api.conditions import Condition, find_condition, timed
from inferfleet.api.enums import ConditionStatus, Priority
from inferfleet.api.model import camel_case
from inferfleet.api.objects import dump, parse
from inferfleet.api.quantities import parse_quantity
from inferfleet.api.reasons import (
    READY_REASON,
    READY_TRUE,
    REJECTION_ORDER,
    Reason,
    Verdict,
)
from inferfleet.api.v1alpha1 import (
    CostStatus,
    InferenceDeployment,
    InferenceDeploymentStatus,
)
from tests.apiobjects.good import good

_DOCUMENTED_ORDER = (
    "GPUTypeNotAllowed, PoolNotAllowed, RegionNotAllowed, ComplianceNotMet, CapacityTypeNotAllowed, SharedGPU,"
    " EngineNotSupported, PrecisionNotSupported, TensorParallelNotDivisible, TooManyGPUs, DoesNotFit, TooClose,"
    " ContextDoesNotFit, TooSlow, PoolBackingOff, NoCapacity, NoPrice, OverBudget"
)
_BEFORE, _AFTER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)


def test_rejections_stand_in_the_documented_order() -> None:
    assert ", ".join(REJECTION_ORDER) == _DOCUMENTED_ORDER


@pytest.mark.parametrize(
    ("verdict", "reasons"),
    [
        (Verdict.REJECTED, _DOCUMENTED_ORDER),
        (Verdict.FEASIBLE, "MoreExpensive, MoveNotWorthIt"),
        (Verdict.CHOSEN, "Cheapest, Kept, OnlyOption"),
    ],
)
def test_every_reason_explains_one_verdict(verdict: Verdict, reasons: str) -> None:
    assert ", ".join(reason for reason in Reason if reason.verdict is verdict) == reasons


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (Reason.OVER_BUDGET, "OverBudget"),
        (Reason.NO_PRICE, "NoPrice"),
        (Reason.NO_CAPACITY, "NoCapacity"),
        (Reason.POOL_BACKING_OFF, "NoCapacity"),
        (Reason.TOO_SLOW, "ObjectivesNotMet"),
        (Reason.CONTEXT_DOES_NOT_FIT, "ModelDoesNotFit"),
        (Reason.TOO_CLOSE, "ModelDoesNotFit"),
        (Reason.DOES_NOT_FIT, "ModelDoesNotFit"),
        (Reason.TOO_MANY_GPUS, "ModelDoesNotFit"),
        (Reason.TENSOR_PARALLEL_NOT_DIVISIBLE, "ModelDoesNotFit"),
        (Reason.PRECISION_NOT_SUPPORTED, "NoMatchingPool"),
        (Reason.GPU_TYPE_NOT_ALLOWED, "NoMatchingPool"),
    ],
)
def test_ready_says_what_stopped_the_candidate(reason: Reason, expected: str) -> None:
    assert READY_REASON[reason] == expected


def test_every_rejection_has_a_ready_reason_that_is_false() -> None:
    assert READY_REASON.keys() == set(REJECTION_ORDER)
    assert READY_TRUE.isdisjoint(READY_REASON.values())


def _condition(status: str, reason: str, at: datetime | None = None) -> Condition:
    return Condition(type="Ready", status=ConditionStatus(status), reason=reason, last_transition_time=at)


def test_a_refined_reason_keeps_the_time_of_the_last_flip() -> None:
    former = (_condition("False", "NoPrice", _BEFORE),)

    assert timed(former, _condition("False", "OverBudget"), _AFTER) == _condition("False", "OverBudget", _BEFORE)


def test_a_flip_takes_the_new_time() -> None:
    former = (_condition("False", "NoPrice", _BEFORE),)

    assert timed(former, _condition("True", "Serving"), _AFTER) == _condition("True", "Serving", _AFTER)


@pytest.mark.parametrize("former", [(), (Condition(type="Planned", status=ConditionStatus.TRUE, reason="Decided"),)])
def test_a_condition_that_was_not_there_takes_the_new_time(former: tuple[Condition, ...]) -> None:
    assert timed(former, _condition("True", "Serving"), _AFTER) == _condition("True", "Serving", _AFTER)


def test_a_condition_that_had_no_time_takes_the_new_one() -> None:
    former = (_condition("True", "Serving"),)

    assert timed(former, _condition("True", "Serving"), _AFTER) == _condition("True", "Serving", _AFTER)


def test_the_time_of_a_flip_has_whole_seconds() -> None:
    assert timed((), _condition("True", "Serving"), _AFTER.replace(microsecond=7)).last_transition_time == _AFTER


def test_a_missing_condition_is_none() -> None:
    assert find_condition((), "Ready") is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("44", "44"), (44, "44"), ("500m", "0.5"), ("340Gi", str(340 * 2**30)), ("1.5k", "1500"), ("2M", "2000000")],
)
def test_a_quantity_is_read_exactly(text: str | int, number: str) -> None:
    assert parse_quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "-1", "1e3", "1GiB", "1.", "٣"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("attribute", "field"),
    [
        ("usd_per_gpu_hour", "usdPerGPUHour"),
        ("allowed_gpu_types", "allowedGPUTypes"),
        ("gpus_per_node", "gpusPerNode"),
        ("memory_bandwidth_gbps", "memoryBandwidthGBps"),
        ("dense_tflops", "denseTFLOPS"),
        ("kv_cache_gib", "kvCacheGiB"),
        ("period_limit_usd", "periodLimitUSD"),
        ("max_model_len", "maxModelLen"),
    ],
)
def test_names_in_yaml_keep_the_capitals_of_units(attribute: str, field: str) -> None:
    assert camel_case(attribute) == field


def test_a_higher_priority_has_a_higher_rank() -> None:
    assert sorted(Priority, key=lambda priority: priority.rank) == ["Low", "Normal", "High"]


def test_a_computed_decimal_is_rounded_to_six_places() -> None:
    assert dump(CostStatus(usd_per_hour=Decimal(10) / 3)) == {"usdPerHour": "3.333333"}


def test_a_status_of_another_version_keeps_what_can_be_read() -> None:
    document = good("real time")
    document["status"] = {"replicas": 2, "placement": {"gpuType": "x", "capacityType": "Leased"}, "phase": "Running"}

    parsed = parse(document)

    assert isinstance(parsed, InferenceDeployment)
    assert parsed.status == InferenceDeploymentStatus(replicas=2)


def test_a_time_is_written_as_kubernetes_writes_it() -> None:
    written = dump(_condition("True", "Serving", datetime(2026, 11, 1, 12, 0, 0, 999, tzinfo=UTC)))

    assert written["lastTransitionTime"] == "2026-11-01T12:00:00Z"
