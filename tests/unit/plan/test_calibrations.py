"""A calibration changes the next decision and moves nothing that runs."""

from dataclasses import replace

from inferfleet.api.enums import Confidence
from inferfleet.api.reasons import ReadyReason
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.placement import Placement
from inferfleet.plan import decide
from tests.builders import LLAMA_8B, demand, holding, placed, pool, world

POOL = pool("l40s-od", "nvidia-l40s-48gb", usd="1.00")
ASKED = demand(engine={"maxModelLen": 65536})
CONSENTING = demand(engine={"maxModelLen": 65536, "minModelLen": 8192})


def first() -> Placement:
    (decision,) = decide(world(POOL), [ASKED])
    return placed(decision)


def calibration(**known: object) -> Calibration:
    running = first()
    fixed: dict[str, object] = {
        "namespace": "team-a",
        "model_id": LLAMA_8B,
        "gpu_type": running.gpu_type,
        "engine": running.engine,
    }
    return Calibration(**(fixed | known))  # type: ignore[arg-type]


def test_a_printed_cache_size_replaces_the_estimate() -> None:
    (decision,) = decide(world(POOL, calibrations=(calibration(kv_cache_gib=12.5),)), [ASKED])
    assert decision.chosen is not None
    assert decision.chosen.memory is not None
    assert decision.chosen.memory.kv_cache_gib == 12.5


def test_a_calibration_stays_in_its_namespace_until_it_is_promoted() -> None:
    private, public = calibration(kv_cache_gib=1.0), calibration(kv_cache_gib=1.0, promoted=True)
    elsewhere = demand(namespace="team-b", engine={"maxModelLen": 65536})
    (unmoved,) = decide(world(POOL, calibrations=(private,)), [elsewhere])
    (moved,) = decide(world(POOL, calibrations=(public,)), [elsewhere])
    assert placed(unmoved).tensor_parallel_size == first().tensor_parallel_size
    assert moved.placements == () or placed(moved).tensor_parallel_size != first().tensor_parallel_size


def test_a_setting_that_ran_out_of_memory_is_not_tried_again() -> None:
    (decision,) = decide(world(POOL, calibrations=(calibration(out_of_memory="CUDA out of memory"),)), [ASKED])
    assert all(each.tensor_parallel_size != first().tensor_parallel_size for each in decision.placements)


def test_with_consent_the_next_try_has_a_shorter_context() -> None:
    (decision,) = decide(world(POOL, calibrations=(calibration(out_of_memory="CUDA out of memory"),)), [CONSENTING])
    assert 8192 <= placed(decision).engine.max_model_len <= 65536 * 0.75


def test_retries_end_at_the_consent() -> None:
    calibrations: tuple[Calibration, ...] = ()
    tried = []
    for _ in range(20):
        (decision,) = decide(world(replace(POOL, gpus_per_node=1), calibrations=calibrations), [CONSENTING])
        if not decision.placements:
            break
        tried.append(placed(decision).engine.max_model_len)
        calibrations = (*calibrations, calibration(engine=placed(decision).engine, out_of_memory="CUDA out of memory"))
    assert decision.placements == ()
    assert tried == sorted(tried, reverse=True)
    assert tried[-1] >= 8192


def test_a_running_placement_that_ran_out_of_memory_is_replaced() -> None:
    held = holding(CONSENTING, decide(world(POOL), [CONSENTING])[0])
    ended = calibration(engine=held.placements[0].engine, out_of_memory="CUDA out of memory")
    (decision,) = decide(world(POOL, holdings=[held], calibrations=(ended,)), [CONSENTING])
    assert placed(decision).engine.max_model_len < held.placements[0].engine.max_model_len


def test_a_measured_speed_lowers_the_headroom_and_changes_the_count() -> None:
    busy = demand(engine={"maxModelLen": 65536}, traffic={"requestsPerSecond": "30"})
    slow = calibration(speed_scale=2.0, speed_confidence=Confidence.CALIBRATED, speed_samples=3)
    large = pool("l40s-od", "nvidia-l40s-48gb", usd="1.00", nodes=40)
    (before,), (after,) = decide(world(large), [busy]), decide(world(large, calibrations=(slow,)), [busy])
    assert before.recommended_replicas != after.recommended_replicas


def test_no_setting_is_started_more_than_three_times() -> None:
    calibrations: tuple[Calibration, ...] = ()
    starts = 0
    for _ in range(20):
        (decision,) = decide(world(replace(POOL, gpus_per_node=1), calibrations=calibrations), [CONSENTING])
        if not decision.placements:
            break
        starts += 1
        calibrations = (*calibrations, calibration(engine=placed(decision).engine, out_of_memory="CUDA out of memory"))
    assert starts == 3


def test_what_the_engine_proposed_is_tried_first() -> None:
    ended = calibration(out_of_memory="too little KV cache", longest_context=60000)
    (decision,) = decide(world(POOL, calibrations=(ended,)), [CONSENTING])
    assert 50000 < placed(decision).engine.max_model_len <= 60000


def test_when_nothing_is_left_the_placement_is_released_with_its_numbers() -> None:
    single = replace(POOL, gpus_per_node=1)
    held = holding(ASKED, decide(world(single), [ASKED])[0])
    ended = calibration(engine=held.placements[0].engine, out_of_memory="CUDA out of memory allocating 0.77 GiB")
    (decision,) = decide(world(single, holdings=[held], calibrations=(ended,)), [ASKED])
    assert decision.placements == ()
    assert decision.blocked is ReadyReason.ENGINE_OUT_OF_MEMORY
    assert "allocating 0.77 GiB" in decision.message


def test_what_ran_out_of_memory_is_released_also_while_the_next_candidate_has_no_room() -> None:
    crowded = pool("l40s-od", "nvidia-l40s-48gb", usd="1.00", free=[1])
    held = holding(ASKED, decide(world(crowded), [ASKED])[0])
    ended = calibration(engine=held.placements[0].engine, out_of_memory="CUDA out of memory")
    (decision,) = decide(world(crowded, holdings=[held], calibrations=(ended,)), [ASKED])
    assert decision.placements == ()
    assert decision.blocked is ReadyReason.NO_CAPACITY
    assert "released" in decision.message


def test_a_smaller_cache_than_predicted_moves_nothing_that_runs() -> None:
    held = holding(ASKED, decide(world(POOL), [ASKED])[0])
    small = calibration(kv_cache_gib=0.5)
    (fresh,) = decide(world(POOL, calibrations=(small,)), [ASKED])
    (kept,) = decide(world(POOL, holdings=[held], calibrations=(small,)), [ASKED])
    assert placed(fresh) != held.placements[0]
    assert placed(kept).engine == held.placements[0].engine


def test_promoted_figures_hold_for_any_flags_of_that_version_and_size() -> None:
    flags = replace(first().engine, max_num_seqs=1, max_num_batched_tokens=1, gpu_memory_utilization=1.0)
    figures = calibration(namespace="", engine=flags, promoted=True, any_flags=True, weights_gib=20.0)
    (decision,) = decide(world(POOL, calibrations=(figures,)), [ASKED])
    assert decision.chosen is not None
    assert decision.chosen.memory is not None
    assert decision.chosen.memory.weights_gib == 20.0


def test_promoted_figures_of_another_version_say_nothing() -> None:
    figures = calibration(
        namespace="", engine=replace(first().engine, version="0.11.0"), promoted=True, any_flags=True, weights_gib=20.0
    )
    (decision,) = decide(world(POOL, calibrations=(figures,)), [ASKED])
    assert decision.chosen is not None
    assert decision.chosen.memory is not None
    assert decision.chosen.memory.weights_gib != 20.0
