"""What must hold for every speed estimate, whatever the model, GPU and load."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from inferfleet.domain.traffic import Objectives, Traffic
from inferfleet.engine import throughput
from tests.speed_builders import GPT_OSS, LLAMA_8B, engine, gpu, memory, model, speed

MODELS = st.sampled_from([LLAMA_8B, GPT_OSS, "Qwen/Qwen3-32B", "deepseek-ai/DeepSeek-V3", "google/gemma-2-9b-it"])
GPUS = st.sampled_from(
    ["nvidia-l4-24gb", "nvidia-a100-80gb", "nvidia-h100-80gb", "nvidia-b200-180gb", "amd-mi300x-192gb"]
)
SIZES = st.sampled_from([1, 2, 4, 8])
SHAPES = st.builds(
    Traffic,
    input_tokens=st.integers(1, 20_000),
    output_tokens=st.integers(1, 4_000),
    prefix_hit_rate=st.floats(0, 0.9),
)
CACHES = st.integers(30_000, 5_000_000)
USERS = st.floats(0.1, 500)
TARGETS = st.floats(1, 1_000)
FEW = settings(max_examples=60, deadline=None)
A_LITTLE = 1 + 1e-6


def at(
    name: str, gpu_name: str, size: int, shape: Traffic, *, users: float, faster: float = 1.0
) -> throughput.LoadPoint:
    found = gpu(gpu_name)
    found = replace(found, memory_bandwidth_gb_per_s=found.memory_bandwidth_gb_per_s * faster)
    settings_ = engine(tensor_parallel_size=size)
    return throughput.at_concurrency(model(name), found, settings_, memory(), shape, concurrency=users)


@FEW
@given(name=MODELS, gpu_name=GPUS, size=SIZES, shape=SHAPES, users=USERS, faster=st.floats(1, 10))
def test_more_bandwidth_is_never_slower(
    *, name: str, gpu_name: str, size: int, shape: Traffic, users: float, faster: float
) -> None:
    slow, fast = (
        at(name, gpu_name, size, shape, users=users),
        at(name, gpu_name, size, shape, users=users, faster=faster),
    )
    assert fast.output_tokens_per_second * A_LITTLE >= slow.output_tokens_per_second


@FEW
@given(name=MODELS, gpu_name=GPUS, size=SIZES, shape=SHAPES, users=USERS, more=st.floats(1, 10))
def test_more_concurrent_requests_never_lower_the_total_rate(
    *, name: str, gpu_name: str, size: int, shape: Traffic, users: float, more: float
) -> None:
    few, many = at(name, gpu_name, size, shape, users=users), at(name, gpu_name, size, shape, users=users * more)
    assert many.output_tokens_per_second * (1 + 1e-4) >= few.output_tokens_per_second


@FEW
@given(name=MODELS, gpu_name=GPUS, shape=SHAPES, target=TARGETS, looser=st.floats(1, 5), cache=CACHES)
def test_a_looser_objective_never_lowers_the_rate(
    *, name: str, gpu_name: str, shape: Traffic, target: float, looser: float, cache: int
) -> None:
    def rate(milliseconds: float) -> float:
        wanted = Objectives(time_per_output_token_ms=milliseconds, time_to_first_token_ms=None)
        return speed(
            model=model(name), gpu=gpu(gpu_name), traffic=shape, objectives=wanted, memory=memory(cache)
        ).requests_per_second

    assert rate(target * looser) * (1 + 1e-4) >= rate(target)


@FEW
@given(
    name=MODELS, gpu_name=GPUS, shape=SHAPES, target=TARGETS, first=st.floats(50, 20_000), headroom=st.floats(0, 0.5)
)
def test_what_is_promised_keeps_the_objectives(
    *, name: str, gpu_name: str, shape: Traffic, target: float, first: float, headroom: float
) -> None:
    found = speed(
        model=model(name),
        gpu=gpu(gpu_name),
        traffic=shape,
        objectives=Objectives(time_per_output_token_ms=target, time_to_first_token_ms=first),
        headroom=headroom,
    )
    if found.meets_objectives:
        assert found.time_per_output_token_ms * (1 + headroom) <= target * A_LITTLE
        assert found.prefill_ms <= first / 2 * A_LITTLE
        assert found.prefill_utilization <= 0.65 * A_LITTLE
    else:
        assert found.best_time_per_output_token_ms * (1 + headroom) > target or found.prefill_ms > first / 2


@FEW
@given(name=MODELS, gpu_name=GPUS, shape=SHAPES, cache=CACHES, more=st.floats(1, 10))
def test_a_larger_cache_never_lowers_the_rate(
    *, name: str, gpu_name: str, shape: Traffic, cache: int, more: float
) -> None:
    def rate(tokens: int) -> float:
        free = Objectives(time_per_output_token_ms=None, time_to_first_token_ms=None)
        found = speed(model=model(name), gpu=gpu(gpu_name), traffic=shape, objectives=free, memory=memory(tokens))
        return found.requests_per_second

    assert rate(int(cache * more)) * A_LITTLE >= rate(cache) > 0


@FEW
@given(name=MODELS, gpu_name=GPUS, shape=SHAPES)
def test_the_same_question_has_the_same_answer(*, name: str, gpu_name: str, shape: Traffic) -> None:
    assert speed(model=model(name), gpu=gpu(gpu_name), traffic=shape) == speed(
        model=model(name), gpu=gpu(gpu_name), traffic=shape
    )
