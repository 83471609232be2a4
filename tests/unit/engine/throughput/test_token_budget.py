"""What max_num_batched_tokens leaves of the speed: the running sequences and the chunks of prompts share each step."""

from itertools import pairwise

import pytest

from inferfleet.domain.speed import SpeedLimit
from inferfleet.domain.traffic import Traffic
from inferfleet.engine import throughput
from tests.speed_builders import CHAT, NO_OBJECTIVES, engine, gpu, memory, model, objectives, speed

BUDGETS = (32_768, 8192, 4096, 2048, 1024, 512, 256, 64, 8, 1)
SHAPES = (
    CHAT,
    Traffic(input_tokens=8000, output_tokens=10),
    Traffic(input_tokens=100, output_tokens=2000),
    Traffic(input_tokens=800, output_tokens=300, prefix_hit_rate=1.0),
    Traffic(input_tokens=800, output_tokens=0),
)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("goals", [NO_OBJECTIVES, objectives(token_ms=500, first_ms=600_000)])
def test_a_smaller_budget_is_never_faster(shape: Traffic, goals: object) -> None:
    rates = [
        speed(traffic=shape, objectives=goals, engine=engine(max_num_batched_tokens=budget)).requests_per_second
        for budget in BUDGETS
    ]
    assert all(smaller <= larger * (1 + 1e-6) for larger, smaller in pairwise(rates))
    assert rates[-1] < rates[0] / 10


@pytest.mark.parametrize("users", [1, 8, 64, 512])
def test_a_closed_loop_is_never_faster_with_a_smaller_budget(users: float) -> None:
    points = [
        throughput.at_concurrency(
            model(), gpu(), engine(max_num_batched_tokens=budget), memory(), CHAT, concurrency=users
        )
        for budget in BUDGETS
    ]
    assert all(b.requests_per_second <= a.requests_per_second * (1 + 1e-6) for a, b in pairwise(points))
    assert all(b.time_to_first_token_ms >= a.time_to_first_token_ms * (1 - 1e-6) for a, b in pairwise(points))


@pytest.mark.parametrize("budget", [1, 64, 512])
def test_no_step_takes_more_tokens_than_the_budget(budget: int) -> None:
    found = speed(engine=engine(max_num_batched_tokens=budget), objectives=NO_OBJECTIVES)
    steps_per_second = 1000 / found.time_per_output_token_ms
    tokens_per_second = found.requests_per_second * (CHAT.input_tokens + CHAT.output_tokens)
    assert found.limit is SpeedLimit.MAX_NUM_BATCHED_TOKENS
    assert tokens_per_second / steps_per_second == pytest.approx(budget)


def test_a_budget_above_what_decode_and_prefill_need_changes_nothing() -> None:
    # 256 sequences of 800 tokens in and 300 out need 256 x (1 + 800 / 300) = 939 tokens per step.
    enough, plenty = (speed(engine=engine(max_num_batched_tokens=tokens)) for tokens in (1500, 8192))
    assert enough == plenty
    assert speed(engine=engine(max_num_batched_tokens=900)).requests_per_second < plenty.requests_per_second


def test_a_prompt_in_many_short_chunks_waits_for_a_step_each() -> None:
    # 800 tokens in chunks of 8 are 100 steps, each as long as one that only decodes: 6.8 ms.
    slow = speed(engine=engine(max_num_batched_tokens=8), objectives=NO_OBJECTIVES)
    assert slow.prefill_ms == pytest.approx(25 + 100 * 6.8, rel=0.02)


def test_a_prompt_in_long_chunks_takes_as_long_as_in_one() -> None:
    assert speed(engine=engine(max_num_batched_tokens=512)).prefill_ms == speed().prefill_ms


def test_a_target_for_the_first_token_leaves_a_third_of_the_budget_unused() -> None:
    tight = engine(max_num_batched_tokens=512)
    found = speed(engine=tight, objectives=objectives(token_ms=500, first_ms=600_000))
    prompts = found.concurrency * CHAT.input_tokens / CHAT.output_tokens
    assert prompts == pytest.approx(0.65 * (512 - found.concurrency))
