"""The termination messages of engines that ran out of memory, as real ones wrote them."""

from dataclasses import replace

from inferfleet.engine.calibration import OutOfMemory, read_out_of_memory
from tests.builders import model
from tests.calibration_builders import QWEN_14B

CONTEXT_TOO_LONG = (
    "To serve at least one request with the models's max seq len (40960), (5.62 GiB KV cache is needed, which is "
    "larger than the available KV cache memory (4.50 GiB). Based on the available memory, the estimated maximum model "
    "length is 32768."
)  # case c174
QWEN_8B = replace(QWEN_14B, model=model("Qwen/Qwen3-8B"))


def out_of_memory(message: str) -> OutOfMemory:
    found = read_out_of_memory(QWEN_8B, message)
    assert found is not None
    return found


def test_a_context_too_long_keeps_the_room_there_was_and_the_length_that_was_proposed() -> None:
    found = out_of_memory(CONTEXT_TOO_LONG)
    assert (found.calibration.kv_cache_gib, found.calibration.longest_context) == (4.5, 32768)
    assert found.while_starting


def test_the_message_holds_actual_and_predicted_numbers() -> None:
    message = out_of_memory(CONTEXT_TOO_LONG).message
    assert "4.50 GiB of KV cache where 5.62 were needed, enough for 32768 tokens" in message
    assert f"predicted were {QWEN_8B.predicted.kv_cache_gib:.2f} GiB of KV cache and 5.62 for one request" in message


def test_older_engines_count_the_tokens_that_fit() -> None:
    message = (
        "The model's max seq len (40960) is larger than the maximum number of tokens that can be stored in "
        "KV cache (3664)"
    )
    assert out_of_memory(message).calibration.longest_context == 3664


def test_a_proposal_that_is_no_shorter_is_ignored() -> None:
    assert out_of_memory(CONTEXT_TOO_LONG.replace("32768", "65536")).calibration.longest_context is None


def test_nothing_left_for_the_cache_is_a_negative_room() -> None:
    found = out_of_memory("Available KV cache memory: -1.44 GiB\nValueError: No available memory for the cache blocks.")
    assert found.calibration.kv_cache_gib == -1.44
    assert "nothing was left" in found.message


def test_cuda_out_of_memory_may_happen_at_any_time() -> None:
    found = out_of_memory("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 786.00 MiB.")
    assert not found.while_starting
    assert "allocating 0.77 GiB" in found.message
    assert found.calibration.kv_cache_gib is None


def test_a_card_that_somebody_else_uses_is_not_the_engines_fault() -> None:
    message = "Free memory on device cuda:0 (61.13/79.19 GiB) on startup is less than desired GPU memory utilization"
    assert out_of_memory(message).of_others


def test_a_room_larger_than_the_card_is_left_out() -> None:
    assert out_of_memory(CONTEXT_TOO_LONG.replace("4.50 GiB", "450.00 GiB")).calibration.kv_cache_gib is None


def test_other_endings_are_not_out_of_memory() -> None:
    assert read_out_of_memory(QWEN_8B, "OSError: You are trying to access a gated repo.") is None
    assert read_out_of_memory(QWEN_8B, "") is None
