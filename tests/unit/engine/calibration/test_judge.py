"""What an engine says of itself is held against the estimate: taken, clamped, or refused with a reason."""

from dataclasses import replace

import pytest

from inferfleet.api.enums import Confidence
from inferfleet.domain.calibration import Calibration, Unusable
from inferfleet.domain.refused import Refused
from inferfleet.domain.traffic import Traffic
from inferfleet.engine import throughput
from inferfleet.engine.calibration import from_cache, from_log, from_windows, is_material, merged, read_engine_log
from inferfleet.engine.calibration.engine_log import EngineFigures
from inferfleet.engine.throughput import Window
from tests.builders import model
from tests.calibration_builders import QWEN_14B
from tests.speed_builders import engine

HOUR = 3600.0


def taken(found: Calibration | Refused[Unusable]) -> Calibration:
    assert isinstance(found, Calibration), found
    return found


def refused(found: Calibration | Refused[Unusable]) -> Unusable:
    assert isinstance(found, Refused), found
    return found.reason


def test_blocks_become_gib_and_tokens_as_vllm_prints_them() -> None:
    calibration = taken(from_cache(QWEN_14B, blocks=4531, block_size=16))  # case c152
    assert calibration.kv_cache_gib == pytest.approx(11.06, abs=0.005)
    assert calibration.kv_cache_tokens == 72496


def test_blocks_of_another_size_hold_the_same_memory() -> None:
    small = taken(from_cache(QWEN_14B, blocks=4000, block_size=16))
    large = taken(from_cache(QWEN_14B, blocks=1000, block_size=64))
    assert small.kv_cache_gib == large.kv_cache_gib


@pytest.mark.parametrize(("blocks", "size"), [(0, 16), (4531, 0), (10**9, 16), (10, 16)])
def test_a_cache_that_cannot_be_is_absurd(blocks: int, size: int) -> None:
    assert refused(from_cache(QWEN_14B, blocks=blocks, block_size=size)) is Unusable.ABSURD


def test_a_cache_far_from_the_estimate_is_clamped_and_says_so() -> None:
    small = replace(QWEN_14B, model=model("Qwen/Qwen2.5-7B-Instruct"), engine=engine(max_model_len=4096))
    calibration = taken(from_cache(small, blocks=8000, block_size=16))
    estimate = small.predicted
    assert calibration.kv_cache_gib == pytest.approx(estimate.kv_cache_gib - 0.25 * estimate.usable_gib, abs=0.001)
    assert "clamped" in calibration.source


def test_a_start_up_log_calibrates_every_term() -> None:
    text = (
        "Model loading took 27.52 GiB\nAvailable KV cache memory: 11.06 GiB\nGPU KV cache size: 72,496 tokens\n"
        "Actual usage is 27.52 GiB for weight, 1.40 GiB for peak activation, 0.20 GiB for non-torch memory, "
        "and 0.67 GiB for CUDAGraph memory."
    )
    calibration = taken(from_log(QWEN_14B, read_engine_log(text)))
    assert (calibration.weights_gib, calibration.activation_gib, calibration.non_torch_gib) == (27.52, 1.4, 0.2)
    assert (calibration.cuda_graph_gib, calibration.kv_cache_gib, calibration.kv_cache_tokens) == (0.67, 11.06, 72496)


@pytest.mark.parametrize(
    "figures",
    [
        EngineFigures(weights_gib=3.0, kv_cache_gib=11.0),
        EngineFigures(weights_gib=270.0),
        EngineFigures(weights_gib=27.5, activation_gib=40.0),
        EngineFigures(weights_gib=27.5, non_torch_gib=-3.0),
        EngineFigures(weights_gib=27.5, total_gib=79.0),
        EngineFigures(weights_gib=27.5, kv_cache_gib=60.0),
        EngineFigures(kv_cache_gib=float("nan")),
    ],
)
def test_one_absurd_term_makes_a_log_worthless(figures: EngineFigures) -> None:
    assert refused(from_log(QWEN_14B, figures)) is Unusable.ABSURD


def test_a_log_without_the_known_lines_is_quiet() -> None:
    assert refused(from_log(QWEN_14B, read_engine_log("INFO: Application startup complete."))) is Unusable.QUIET


def window(slower: float, *, ended: float = HOUR) -> Window:
    point = throughput.at_concurrency(
        QWEN_14B.model,
        QWEN_14B.gpu,
        QWEN_14B.engine,
        QWEN_14B.predicted,
        QWEN_14B.traffic,
        concurrency=8,
        interconnect=QWEN_14B.interconnect,
    )
    seconds = point.time_per_output_token_ms / 1000 * slower
    return Window(running=8, token_seconds=seconds, tokens_per_second=8 / seconds, ended_at_seconds=ended)


def test_windows_scale_the_predicted_times() -> None:
    calibration = taken(from_windows(QWEN_14B, [window(1.3)], now_seconds=HOUR))
    assert calibration.speed_scale == pytest.approx(1.3, rel=0.01)
    assert calibration.speed_confidence is Confidence.CALIBRATED


def test_many_windows_are_a_measurement() -> None:
    calibration = taken(from_windows(QWEN_14B, [window(1.1)] * 10, now_seconds=HOUR))
    assert calibration.speed_confidence is Confidence.MEASURED


def test_old_windows_are_stale() -> None:
    assert refused(from_windows(QWEN_14B, [window(1.3, ended=0)], now_seconds=24 * HOUR)) is Unusable.STALE


def test_without_output_tokens_there_is_no_speed_to_calibrate() -> None:
    silent = replace(QWEN_14B, traffic=Traffic(input_tokens=800, output_tokens=0))
    assert refused(from_windows(silent, [window(1.0)], now_seconds=HOUR)) is Unusable.QUIET


def test_noise_between_two_starts_is_not_material() -> None:
    known = QWEN_14B.calibration(kv_cache_gib=11.06)
    assert not is_material(known, QWEN_14B.calibration(kv_cache_gib=11.09))
    assert is_material(known, QWEN_14B.calibration(kv_cache_gib=11.5))


def test_a_first_speed_is_material_and_a_little_change_of_it_is_not() -> None:
    known = QWEN_14B.calibration(kv_cache_gib=11.06)
    assert is_material(known, QWEN_14B.calibration(speed_scale=1.1))
    assert not is_material(QWEN_14B.calibration(speed_scale=1.1), QWEN_14B.calibration(speed_scale=1.12))


def test_a_later_calibration_adds_to_what_was_known() -> None:
    both = merged(QWEN_14B.calibration(kv_cache_gib=11.06), QWEN_14B.calibration(speed_scale=1.1, speed_samples=3))
    assert (both.kv_cache_gib, both.speed_scale, both.speed_samples) == (11.06, 1.1, 3)


def test_an_engine_that_runs_is_not_out_of_memory_any_more() -> None:
    before = QWEN_14B.calibration(out_of_memory="CUDA out of memory")
    assert merged(before, QWEN_14B.calibration(kv_cache_gib=11.06)).out_of_memory == ""
