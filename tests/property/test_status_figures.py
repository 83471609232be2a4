"""Whatever the schema admits, the figures of a decision find room in a status."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from inferfleet.api.enums import CapacityType
from inferfleet.api.v1alpha1.inference_deployment_status import InferenceDeploymentStatus
from inferfleet.domain.demand import Demand
from inferfleet.plan import decide
from inferfleet.report.decision_view import (
    budget_shares,
    candidate_rows,
    chosen_memory,
    cost_status,
    placement_rows,
    placement_summary,
)
from tests.builders import BATCH, demand, policy, pool, world

LARGEST_MONEY = "999999999.999999"
MONEY = st.sampled_from(["0", "0.000001", "1.86", "500000", "99999999", LARGEST_MONEY])
TOKENS = st.sampled_from([1, 800, 60_000])


@st.composite
def real_time(draw: st.DrawFn) -> Demand:
    return demand(
        traffic={
            "requestsPerSecond": draw(MONEY),
            "requestsPerMonth": draw(st.sampled_from([None, 1, 10**15])),
            "inputTokens": draw(TOKENS),
            "outputTokens": draw(TOKENS),
        },
        objectives={"timePerOutputTokenMilliseconds": draw(st.sampled_from([50, 600_000]))},
        replicas=draw(st.sampled_from([None, 1, 1000])),
    )


@st.composite
def batches(draw: st.DrawFn) -> Demand:
    work = {
        "requests": draw(st.sampled_from([1, 10**12])),
        "inputTokens": draw(TOKENS),
        "outputTokens": draw(TOKENS.filter(bool)),
        "deadlineSeconds": draw(st.sampled_from([None, 31_536_000])),
    }
    return demand(base=BATCH, model={"id": "meta-llama/Llama-3.1-8B-Instruct"}, batch=work)


@given(st.one_of(real_time(), batches()), MONEY, st.booleans(), st.sampled_from([1, 64]))
@settings(max_examples=150, deadline=None)
def test_every_figure_of_a_decision_finds_room_in_a_status(what: Demand, usd: str, spot: bool, size: int) -> None:
    capacity = CapacityType.SPOT if spot else CapacityType.ON_DEMAND
    where = pool("h100", "nvidia-h100-80gb", usd=usd, gpus_per_node=size, max_nodes=10_000, capacity_type=capacity)
    (decision,) = decide(world(where, policies=[policy(usd=LARGEST_MONEY, enforcement="Warn")]), [what])

    status = InferenceDeploymentStatus(
        placement=placement_summary(decision),
        placements=placement_rows(decision),
        cost=cost_status(decision, what.spec),
        memory=chosen_memory(decision),
        budgets=budget_shares(decision),
    )

    rows = candidate_rows(decision)
    assert all(row.usd_per_month is None or row.usd_per_month >= 0 for row in rows)
    assert InferenceDeploymentStatus.model_validate(status.model_dump(mode="json", by_alias=True)) == status


@given(st.integers(-(10**32) + 1, 10**32 - 1), st.integers(0, 999_999_499))
def test_a_figure_of_32_digits_is_rounded_to_six_places_and_read_back(whole: int, billionths: int) -> None:
    cost = InferenceDeploymentStatus.model_validate({"cost": {"usdPerHour": Decimal(f"{whole}.{billionths:09}")}}).cost

    assert cost is not None
    assert cost.usd_per_hour is not None
    assert abs(cost.usd_per_hour - whole) <= 1
