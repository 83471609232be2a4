"""What-ifs: the same decision under other prices, rates, pools and limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
Planned = Callable[..., list[dict[str, Any]]]

H100 = """
apiVersion: inferfleet.dev/v1alpha1
kind: GPUPool
metadata: {name: h100-od}
spec:
  gpuType: nvidia-h100-80gb
  gpusPerNode: 8
  capacityType: OnDemand
  nodeSelector: {pool: h100-od}
  maxNodes: 8
  usdPerGPUHour: "10.98"
"""


def chosen(plans: list[dict[str, Any]]) -> str:
    return str(plans[0]["placement"]["pool"])


def test_a_lower_price_of_a_gpu_type_moves_the_choice(planned: Planned, pool: str, chat: str) -> None:
    options = ("--what-if", "price:nvidia-h100-80gb=0.10")
    found = planned(pool, H100, chat, options=options)
    assert (chosen(found), found[0]["cost"]["priceSource"]) == ("h100-od", "what if")


def test_a_price_of_a_pool_goes_before_one_of_its_gpu_type(planned: Planned, pool: str, chat: str) -> None:
    options = ("--what-if", "price:l40s-od=0.01", "--what-if", "price:nvidia-l40s-48gb=99")
    assert planned(pool, chat, options=options)[0]["cost"]["usdPerHour"] == "0.02"


def test_a_higher_rate_needs_more_replicas(planned: Planned, pool: str, chat: str) -> None:
    usual, busy = planned(pool, chat), planned(pool, chat, options=("--what-if", "rate=20"))
    assert busy[0]["placement"]["replicas"] > usual[0]["placement"]["replicas"]


def test_a_rate_of_zero_leaves_the_least_number_of_replicas(planned: Planned, pool: str, chat: str) -> None:
    assert planned(pool, chat, options=("--what-if", "rate=0"))[0]["placement"]["replicas"] == 1


def test_a_rate_can_be_changed_for_one_deployment(planned: Planned, pool: str, chat: str) -> None:
    other = chat.replace("name: chat", "name: other")
    first, second = planned(pool, chat, other, options=("--what-if", "rate:other=20"))
    assert first["placement"]["replicas"] < second["placement"]["replicas"]


def test_a_pool_can_be_taken_away(planned: Planned, pool: str, chat: str) -> None:
    assert chosen(planned(pool, H100, chat, options=("--what-if", "no-pool:l40s-od"))) == "h100-od"


def test_a_limit_refuses_what_costs_more(planned: Planned, pool: str, chat: str) -> None:
    (found,) = planned(pool, chat, options=("--max-usd-per-month", "2000"))
    assert (found["ready"], found["reason"]) == (False, "OverBudget")


def test_a_limit_holds_for_the_sum(planned: Planned, pool: str, chat: str) -> None:
    other = chat.replace("name: chat", "name: other")
    found = planned(pool, chat, other, options=("--max-usd-per-month", "3000"))
    assert [plan["ready"] for plan in found] == [True, False]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--what-if", "price:nowhere=1"), "--what-if price:nowhere: is neither a pool (l40s-od) nor a GPU type"),
        (("--what-if", "price:l40s-od=1,5"), "'1,5' must be a decimal"),
        (("--what-if", "price:l40s-od=-1"), "'-1' must be a decimal"),
        (("--what-if", "no-pool:nowhere"), "--what-if no-pool:nowhere: there are l40s-od"),
        (("--what-if", "rate:nobody=1"), "is no InferenceDeployment with traffic; there are chat"),
        (("--what-if", "rate=-1"), "'-1' must be a decimal"),
        (("--what-if", "faster"), "must be one of price:GPU_OR_POOL=USD"),
        (("--max-usd-per-month", "nan"), "--max-usd-per-month: 'nan' must be a decimal"),
    ],
)
def test_a_what_if_about_nothing_is_bad_input(
    invoke: Invoke, pool: str, chat: str, options: tuple[str, ...], told: str
) -> None:
    result = invoke("plan", "-f", "-", *options, stdin=f"{pool}---{chat}")
    assert result.exit_code == 2
    assert told in result.stderr
