"""The speed of one replica: which limit binds, what the objectives cost, and the special shapes."""

import pytest

from inferfleet.api.enums import Confidence, Interconnect
from inferfleet.domain.calibration import SpeedCalibration
from inferfleet.domain.speed import SpeedLimit
from inferfleet.domain.traffic import Traffic
from inferfleet.engine import throughput
from tests.speed_builders import CHAT, GPT_OSS, NO_OBJECTIVES, engine, gpu, memory, model, objectives, speed


def test_one_user_of_an_8b_model_on_an_h100_gets_a_token_every_seven_milliseconds() -> None:
    # 15 GB of weights at 80 % of 3,350 GB/s is 5.6 ms; launch gaps of 32 layers and the scheduler add 1.2 ms.
    assert speed().best_time_per_output_token_ms == pytest.approx(6.8, abs=0.2)


def test_an_objective_that_a_single_user_misses_gives_no_rate_and_the_best_reachable() -> None:
    found = speed(gpu=gpu("nvidia-l4-24gb"))
    assert not found.meets_objectives
    assert found.limit is SpeedLimit.TIME_PER_OUTPUT_TOKEN
    assert found.best_time_per_output_token_ms == pytest.approx(64, abs=2)


def test_the_time_per_output_token_is_used_up_when_it_binds() -> None:
    found = speed(gpu=gpu("nvidia-a100-80gb"))
    assert found.limit is SpeedLimit.TIME_PER_OUTPUT_TOKEN
    assert found.time_per_output_token_ms == pytest.approx(50, rel=1e-3)


def test_headroom_keeps_the_predicted_time_below_the_objective() -> None:
    found = speed(gpu=gpu("nvidia-a100-80gb"), headroom=0.25)
    assert found.time_per_output_token_ms == pytest.approx(40, rel=1e-3)


def test_the_number_of_sequences_binds_a_fast_gpu() -> None:
    found = speed(engine=engine(max_num_seqs=16))
    assert (found.limit, found.concurrency) == (SpeedLimit.MAX_NUM_SEQS, 16)


def test_a_small_kv_cache_binds_before_the_number_of_sequences() -> None:
    found = speed(memory=memory(kv_cache_tokens=9_800))
    assert found.limit is SpeedLimit.KV_CACHE
    assert found.concurrency == pytest.approx(9_800 / (800 + 0.6 * 300))


def test_prompts_that_take_two_thirds_of_the_time_bind_interactive_work() -> None:
    found = speed(traffic=Traffic(input_tokens=4000, output_tokens=50), objectives=objectives(token_ms=500))
    assert found.limit is SpeedLimit.PREFILL
    assert found.prefill_utilization == pytest.approx(0.65, rel=1e-3)


def test_a_replica_may_be_idle_part_of_the_time_when_one_prompt_fills_it() -> None:
    found = speed(traffic=Traffic(input_tokens=8000, output_tokens=2), objectives=objectives(token_ms=500))
    assert 0 < found.concurrency < 1
    assert found.prefill_utilization == pytest.approx(0.65, rel=1e-3)


def test_batch_work_is_not_held_back_by_prompts() -> None:
    shape = Traffic(input_tokens=4000, output_tokens=50)
    wide = engine(max_num_batched_tokens=32_768)
    found = speed(traffic=shape, objectives=NO_OBJECTIVES, memory=memory(10_000_000), engine=wide)
    assert found.limit is SpeedLimit.MAX_NUM_SEQS
    assert found.prefill_utilization > 0.65


def test_half_of_the_first_token_target_must_cover_the_prefill() -> None:
    prefill = speed().prefill_ms
    assert speed(objectives=objectives(first_ms=2 * prefill * 1.01)).meets_objectives
    refused = speed(objectives=objectives(first_ms=2 * prefill * 0.99))
    assert not refused.meets_objectives
    assert refused.limit is SpeedLimit.TIME_TO_FIRST_TOKEN


def test_the_prefill_floor_is_the_prompt_at_prefill_speed_and_25_milliseconds() -> None:
    # 2 x 7.5e9 weights x 800 tokens at 55 % of 989 TFLOPS, and the attention of half the prompt.
    assert speed().prefill_ms == pytest.approx(25 + 21, abs=1)


def test_a_prefix_found_in_the_cache_shortens_the_prefill() -> None:
    half = Traffic(input_tokens=800, output_tokens=300, prefix_hit_rate=0.5)
    assert speed(traffic=half).prefill_ms - 25 == pytest.approx((speed().prefill_ms - 25) / 2, rel=0.05)


def test_models_without_output_tokens_are_sized_by_prefill_alone() -> None:
    found = speed(traffic=Traffic(input_tokens=800, output_tokens=0))
    assert found.limit is SpeedLimit.PREFILL
    assert found.prefill_utilization == pytest.approx(0.65)
    assert found.time_per_output_token_ms == 0
    assert found.requests_per_second == pytest.approx(29, abs=4)


def test_pooling_models_need_no_output_tokens_to_be_told_apart() -> None:
    found = speed(model=model(pooling=True))
    assert found.output_tokens_per_second == 0
    assert found.confidence is Confidence.LOW


def test_pooling_models_keep_the_first_token_target() -> None:
    found = speed(model=model(pooling=True), objectives=objectives(first_ms=10))
    assert not found.meets_objectives
    assert found.limit is SpeedLimit.TIME_TO_FIRST_TOKEN


def test_tensor_parallelism_over_nvlink_is_faster_than_over_pcie() -> None:
    nvlink = speed(engine=engine(tensor_parallel_size=2), memory=memory(800_000))
    pcie = speed(engine=engine(tensor_parallel_size=2), memory=memory(800_000), interconnect=Interconnect.PCIE)
    assert pcie.best_time_per_output_token_ms > nvlink.best_time_per_output_token_ms + 3


def test_the_pool_may_override_the_link_of_the_gpu_type() -> None:
    settings = engine(tensor_parallel_size=2)
    assert speed(engine=settings, interconnect=Interconnect.PCIE).confidence is Confidence.LOW
    assert speed(engine=settings).confidence is Confidence.ESTIMATED


def test_eager_mode_costs_launch_gaps() -> None:
    assert speed(engine=engine(enforce_eager=True)).best_time_per_output_token_ms > 1.3 * (
        speed().best_time_per_output_token_ms
    )


def test_a_mixture_reads_few_experts_for_one_user_and_many_for_a_crowd() -> None:
    alone = throughput.at_concurrency(model(GPT_OSS), gpu(), engine(), memory(), CHAT, concurrency=1)
    crowd = throughput.at_concurrency(model(GPT_OSS), gpu(), engine(), memory(), CHAT, concurrency=64)
    dense_alone = throughput.at_concurrency(model(), gpu(), engine(), memory(), CHAT, concurrency=1)
    dense_crowd = throughput.at_concurrency(model(), gpu(), engine(), memory(), CHAT, concurrency=64)
    assert crowd.time_per_output_token_ms / alone.time_per_output_token_ms > 2
    assert (
        crowd.time_per_output_token_ms / alone.time_per_output_token_ms
        > dense_crowd.time_per_output_token_ms / dense_alone.time_per_output_token_ms
    )


def test_an_8_bit_cache_halves_what_a_sequence_reads() -> None:
    long = Traffic(input_tokens=7000, output_tokens=300)
    wide = throughput.at_concurrency(model(), gpu(), engine(), memory(), long, concurrency=48)
    narrow = throughput.at_concurrency(model(), gpu(), engine(kv_cache_dtype="fp8"), memory(), long, concurrency=48)
    assert narrow.time_per_output_token_ms < wide.time_per_output_token_ms


def test_a_calibration_scales_every_predicted_time() -> None:
    slower = SpeedCalibration(scale=1.5, confidence=Confidence.CALIBRATED, samples=3)
    found = speed(calibration=slower)
    assert found.best_time_per_output_token_ms == pytest.approx(1.5 * speed().best_time_per_output_token_ms)
    assert (found.confidence, found.scale) == (Confidence.CALIBRATED, 1.5)


def test_requests_beyond_the_kv_cache_wait_and_add_no_tokens() -> None:
    small = memory(kv_cache_tokens=19_600)
    full = throughput.at_concurrency(model(), gpu(), engine(), small, CHAT, concurrency=20)
    over = throughput.at_concurrency(model(), gpu(), engine(), small, CHAT, concurrency=200)
    assert over.running == pytest.approx(20, abs=0.1)
    assert over.output_tokens_per_second == pytest.approx(full.output_tokens_per_second, rel=0.05)
    assert over.time_to_first_token_ms > 10 * full.time_to_first_token_ms


def test_a_closed_loop_obeys_littles_law() -> None:
    point = throughput.at_concurrency(model(), gpu(), engine(), memory(), CHAT, concurrency=32)
    latency = (point.time_to_first_token_ms + CHAT.output_tokens * point.time_per_output_token_ms) / 1000
    assert point.requests_per_second * latency == pytest.approx(32, rel=0.01)


@pytest.mark.parametrize(("users", "tokens"), [(0, 300), (-1, 300), (4, 0)])
def test_a_load_that_makes_no_sense_is_refused(users: float, tokens: int) -> None:
    with pytest.raises(ValueError, match="a closed loop needs both above 0"):
        throughput.at_concurrency(
            model(), gpu(), engine(), memory(), Traffic(input_tokens=800, output_tokens=tokens), concurrency=users
        )
