"""What the status promises: the category that pays, the total of a batch, and what must be stored before it is used."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from inferfleet.api.enums import Category
from inferfleet.api.reasons import ReadyReason
from inferfleet.api.v1alpha1 import InferenceDeploymentStatus
from inferfleet.domain.decision import Decision
from inferfleet.domain.demand import Demand
from inferfleet.plan import decide
from inferfleet.report.observation import RESERVED_ONLY, Observation
from inferfleet.report.status import reserves, status
from tests.builders import BATCH, demand, policy, pool, world

WHERE = world(pool("l40s", "nvidia-l40s-48gb"), policies=[policy(usd="50000")])
JOB = demand("job", base=BATCH, placement={"spotPolicy": "Never"})
EMPTY = InferenceDeploymentStatus()


def decision_of(asked: Demand) -> Decision:
    (decision,) = decide(WHERE, [asked])
    return decision


def written(
    asked: Demand, decision: Decision, previous: InferenceDeploymentStatus = EMPTY, *, generation: int = 1
) -> InferenceDeploymentStatus:
    seen = Observation(
        generation=generation, spec=asked.spec, decision=decision, application=RESERVED_ONLY, children={}, pods=(),
        may_grow=False, now=datetime(2026, 11, 2, tzinfo=UTC),
    )  # fmt: skip
    return status(asked.name, previous, seen)


def refusal(decision: Decision) -> Decision:
    """The decision about a spec that is refused while what was admitted runs."""
    return replace(decision, blocked=ReadyReason.OVER_BUDGET, candidates=(), message="too much")


def test_a_refused_change_of_category_does_not_change_who_pays() -> None:
    asked, other = demand(), demand(workload={"class": "RealTime", "category": "Experimentation"})
    before = written(asked, decision_of(asked))
    after = written(other, refusal(decision_of(asked)), before, generation=2)
    assert (before.category, after.category) == (Category.INFERENCE, Category.INFERENCE)


def test_a_batch_keeps_its_total_while_its_new_spec_is_refused() -> None:
    before = written(JOB, decision_of(JOB))
    refused = replace(decision_of(JOB), blocked=ReadyReason.OVER_BUDGET, candidates=decision_of(JOB).candidates[1:])
    after = written(JOB, refused, before, generation=2)
    assert before.cost is not None
    assert after.cost is not None
    assert after.cost.usd_total == before.cost.usd_total is not None


@pytest.mark.parametrize(
    "less",
    [
        {"cost": {"usd_total": Decimal("0.01")}},
        {"category": Category.TRAINING},
        {"budgets": (), "observed_generation": 0},
        {"placements": ()},
    ],
    ids=["a larger total", "another category", "more of a budget for another spec", "a placement"],
)
def test_what_is_promised_anew_is_stored_first(less: dict[str, Any]) -> None:
    new = written(JOB, decision_of(JOB))
    assert new.cost is not None
    if "cost" in less:
        less = {"cost": new.cost.model_copy(update=less["cost"])}
    assert reserves(new.model_copy(update=less), new)


def test_the_same_promise_is_not_stored_twice() -> None:
    new = written(JOB, decision_of(JOB))
    assert not reserves(new, new)
