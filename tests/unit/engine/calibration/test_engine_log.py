"""What vLLM prints at start is recognised in the spelling of every era; figures are those of public logs."""

import pytest

from inferfleet.domain.calibration import MemoryCalibration
from inferfleet.engine.calibration.engine_log import EngineFigures, Failure, read_engine_log

V0_LOG = """
INFO 03-01 10:00:01 model_runner.py:1115] Loading model weights took 14.9888 GB
INFO 03-01 10:00:09 worker.py:267] the current vLLM instance can use total_gpu_memory (22.07GiB) x gpu_memory_utilization (0.90) = 19.86GiB
INFO 03-01 10:00:09 worker.py:267] model weights take 14.99GiB; non_torch_memory takes 0.05GiB; PyTorch activation peak memory takes 0.22GiB; the rest of the memory reserved for KV Cache is 4.60GiB.
INFO 03-01 10:00:09 executor_base.py:111] # cuda blocks: 2356, # CPU blocks: 2048
INFO 03-01 10:00:09 executor_base.py:116] Maximum concurrency for 131072 tokens per request: 0.29x
"""  # noqa: E501 - lines as printed
V1_LOG = """
(EngineCore_0 pid=7) INFO 09-17 05:05:01 [gpu_model_runner.py:2602] Model loading took 14.0786 GiB and 21.1 seconds
(EngineCore_0 pid=7) INFO 09-17 05:05:31 [gpu_worker.py:298] Available KV cache memory: 55.15 GiB
(EngineCore_0 pid=7) INFO 09-17 05:05:31 [kv_cache_utils.py:864] GPU KV cache size: 451,744 tokens
(EngineCore_0 pid=7) INFO 09-17 05:05:31 [kv_cache_utils.py:868] Maximum concurrency for 4,096 tokens per request: 110.29x
(EngineCore_0 pid=7) INFO 09-17 05:05:36 [gpu_model_runner.py:3479] Graph capturing finished in 4 secs, took 0.67 GiB
(EngineCore_0 pid=7) INFO 09-17 05:05:36 [gpu_worker.py:391] Free memory on device (78.66/79.19 GiB) on startup. Desired GPU memory utilization is (0.9, 71.27 GiB). Actual usage is 14.08 GiB for weight, 1.97 GiB for peak activation, 0.07 GiB for non-torch memory, and 0.67 GiB for CUDAGraph memory. Replace gpu_memory_utilization config with `--kv-cache-memory=58986393088` to fit into requested memory.
"""  # noqa: E501 - lines as printed
NEWEST_LOG = """
INFO [gpu/model_runner.py:425] Model loading took 18.02 GiB memory and 5.120000 seconds
INFO [gpu_worker.py:760] Available KV cache memory: 5.16 GiB
INFO [gpu_worker.py:971] CUDA graph pool memory: 0.81 GiB (actual), 0.75 GiB (estimated), difference: 0.06 GiB (7.4%).
INFO [gpu_worker.py:1034] Free memory on device (30.86/31.36 GiB) on startup. Desired GPU memory utilization is (0.85, 26.66 GiB). Actual usage is 20.04 GiB for consumed memory (weights + non-torch), 1.46 GiB for peak activation, and 0.81 GiB for CUDAGraph memory.
"""  # noqa: E501 - lines as printed


def test_the_first_generation_prints_every_term() -> None:
    assert read_engine_log(V0_LOG) == EngineFigures(
        weights_gib=14.99,
        non_torch_gib=0.05,
        activation_gib=0.22,
        kv_cache_gib=4.60,
        gpu_blocks=2356,
        max_concurrency=0.29,
        total_gib=22.07,
        utilization=0.90,
    )


def test_the_second_generation_prints_every_term() -> None:
    assert read_engine_log(V1_LOG) == EngineFigures(
        weights_gib=14.08,
        activation_gib=1.97,
        non_torch_gib=0.07,
        cuda_graph_gib=0.67,
        kv_cache_gib=55.15,
        kv_cache_tokens=451744,
        max_concurrency=110.29,
        total_gib=79.19,
        free_gib=78.66,
        utilization=0.9,
    )


def test_since_0_27_weights_and_the_rest_are_printed_as_one() -> None:
    found = read_engine_log(NEWEST_LOG)
    assert (found.weights_gib, found.consumed_gib, found.cuda_graph_gib) == (18.02, 20.04, 0.81)
    assert found.calibration("log").non_torch_gib == pytest.approx(2.02)


def test_a_context_too_long_names_need_room_and_vllms_own_proposal() -> None:
    found = read_engine_log(
        "ValueError: To serve at least one request with the model's max seq len (32768), (4.50 GiB KV cache is needed, "
        "which is larger than the available KV cache memory (4.47 GiB). Based on the available memory, the estimated "
        "maximum model length is 32560. Try increasing `gpu_memory_utilization`"
    )
    assert found == EngineFigures(
        failure=Failure.CONTEXT_TOO_LONG,
        max_model_len=32768,
        required_kv_gib=4.50,
        kv_cache_gib=4.47,
        estimated_max_model_len=32560,
    )


def test_the_message_without_its_parenthesis_is_read_too() -> None:
    found = read_engine_log(
        "22.5 GiB KV cache is needed, which is larger than the available KV cache memory (17.39 GiB)."
    )
    assert (found.failure, found.required_kv_gib, found.kv_cache_gib) == (Failure.CONTEXT_TOO_LONG, 22.5, 17.39)


def test_a_message_that_a_collector_wrapped_is_read_whole() -> None:
    found = read_engine_log(
        "(4.26 GiB KV\ncache is needed, which is larger than the available KV cache\nmemory (4.25 GiB)."
    )
    assert (found.required_kv_gib, found.kv_cache_gib) == (4.26, 4.25)


def test_the_first_generation_counts_tokens_instead() -> None:
    found = read_engine_log(
        "ValueError: The model's max seq len (4096) is larger than the maximum number of tokens that can be stored in "
        "KV cache (3664). Try increasing `gpu_memory_utilization`"
    )
    assert (found.failure, found.max_model_len, found.kv_cache_tokens) == (Failure.CONTEXT_TOO_LONG, 4096, 3664)


def test_nothing_left_for_the_cache() -> None:
    found = read_engine_log(
        "Available KV cache memory: -1.44 GiB\nValueError: No available memory for the cache blocks."
    )
    assert (found.failure, found.kv_cache_gib) == (Failure.NO_CACHE_MEMORY, -1.44)


def test_a_card_that_somebody_else_uses() -> None:
    found = read_engine_log(
        "ValueError: Free memory on device cuda:0 (61.13/79.19 GiB) on startup is less than desired GPU memory "
        "utilization (0.95, 75.23 GiB). Decrease GPU memory utilization"
    )
    assert (found.failure, found.free_gib, found.total_gib) == (Failure.DEVICE_NOT_FREE, 61.13, 79.19)


@pytest.mark.parametrize(
    ("text", "allocation"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 3.50 GiB. GPU 0 has a total capacity of", 3.5),
        ("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 786.00 MiB (GPU 0; 79.19 GiB", 786 / 1024),
        ("RuntimeError: HIP out of memory.", None),
        ("RuntimeError: CUDA error: out of memory", None),
    ],
)
def test_out_of_memory_is_recognised_with_what_was_asked_for(text: str, allocation: float | None) -> None:
    found = read_engine_log(text)
    assert found.failure is Failure.CUDA_OUT_OF_MEMORY
    assert found.allocation_gib == allocation


def test_other_text_says_nothing() -> None:
    assert read_engine_log("INFO: Application startup complete.\nKeyError: 'foo'") == EngineFigures()


def test_the_last_start_in_a_log_counts() -> None:
    found = read_engine_log("Available KV cache memory: 3.00 GiB\nAvailable KV cache memory: 5.16 GiB")
    assert found.kv_cache_gib == 5.16


def test_figures_become_a_calibration_of_memory() -> None:
    assert read_engine_log(V1_LOG).calibration("pod chat-0") == MemoryCalibration(
        weights_gib=14.08,
        activation_gib=1.97,
        non_torch_gib=0.07,
        cuda_graph_gib=0.67,
        kv_cache_gib=55.15,
        usable_gib=79.19,
        source="pod chat-0",
    )
