"""What engines say, on a real control plane: out of memory, metrics, logs, and models that only a hub knows."""

from __future__ import annotations

import time
from dataclasses import replace

from tests.controlplane.behaviour import Behaviour, behave, crash_loop, slow_start
from tests.controlplane.engine import StubEngines
from tests.controlplane.logs import write_log
from tests.controlplane.operator_process import OperatorProcess
from tests.controlplane.waiting import eventually
from tests.fake_hub import FakeHub
from tests.integration.calibration.conftest import argument, arguments, measured, readings
from tests.integration.operator.conftest import Document, Team, condition

# Case c174: Qwen3-8B with 40960 tokens on a card of 24 GB.
CONTEXT_TOO_LONG = (
    "ValueError: To serve at least one request with the models's max seq len (40960), (5.62 GiB KV cache is needed, "
    "which is larger than the available KV cache memory (4.50 GiB). Based on the available memory, the estimated "
    "maximum model length is 32768. Try increasing `gpu_memory_utilization` or decreasing `max_model_len`"
)
# Case c228: gpt-oss-20b; the sampler's warm-up needed more than what was left beside the KV cache.
WARM_UP_OUT_OF_MEMORY = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 786.00 MiB. GPU 0 has a total"
# What a kubelet keeps of a long log: the parent's stack, not the cause.
PARENT_ONLY = "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"
# Case c152: Qwen3-14B on an L40S.
QWEN_14B = {"model": {"id": "Qwen/Qwen3-14B"}, "engine": {"maxModelLen": 40960, "gpuMemoryUtilization": "0.92"}}
BLOCKS, KV_CACHE_GIB, TOKENS = 4531, "11.06", 72496


def only_with(word: str, behaviour: Behaviour) -> Behaviour:
    """Let only engines behave so that were started with this word."""
    started_with = {"jq": {"key": ".spec.containers.[].args.[]", "operator": "In", "values": [word]}}
    return tuple(replace(step, when=(*step.when, started_with)) for step in behaviour)


def test_a_cache_too_small_is_answered_with_the_context_that_fits(team: Team) -> None:
    crashes = only_with("--max-model-len=40960", crash_loop(message=CONTEXT_TOO_LONG))
    with behave(team.cluster, crashes, namespace=team.namespace):
        team.apply("chat", model={"id": "Qwen/Qwen3-8B"}, engine={"maxModelLen": 40960, "minModelLen": 8192})

        team.wait("chat")

    assert 28000 <= int(argument(team, "--max-model-len")) <= 32768


def test_out_of_memory_is_told_with_predicted_and_actual_numbers(team: Team) -> None:
    crashes = only_with("--max-model-len=40960", crash_loop(message=CONTEXT_TOO_LONG))
    with behave(team.cluster, crashes, namespace=team.namespace):
        team.apply("chat", model={"id": "Qwen/Qwen3-8B"}, engine={"maxModelLen": 40960, "minModelLen": 8192})
        team.wait("chat")

        told = eventually(lambda: events(team, "EngineOutOfMemory"), 30)

    assert any("4.50 GiB of KV cache where 5.62 were needed" in note and "predicted were" in note for note in told)


def test_without_consent_to_a_shorter_context_the_next_candidate_is_tried(team: Team) -> None:
    crashes = only_with("--tensor-parallel-size=1", crash_loop(message=WARM_UP_OUT_OF_MEMORY))
    with behave(team.cluster, crashes, namespace=team.namespace):
        team.apply("chat")

        item = team.wait("chat")

    assert item["status"]["placement"]["tensorParallelSize"] == 2


def test_when_nothing_is_left_to_try_the_gpus_are_released_and_a_person_is_called(team: Team) -> None:
    with behave(team.cluster, crash_loop(message=WARM_UP_OUT_OF_MEMORY), namespace=team.namespace):
        team.apply("chat", placement={"maxTensorParallelSize": 1})

        item = team.wait("chat", "EngineOutOfMemory")
        item = eventually(lambda: stalled(team), 60, describe="released")

    message = condition(item)["message"]
    assert "allocating 0.77 GiB" in message
    assert "predicted were" in message
    assert "placements" not in item["status"] or not item["status"]["placements"]
    eventually(lambda: not team.children(), 30)
    eventually(lambda: not team.children("Pod"), 60)


def test_a_released_deployment_starts_again_when_its_spec_changes(team: Team) -> None:
    crashes = only_with("--max-num-seqs=256", crash_loop(message=WARM_UP_OUT_OF_MEMORY))
    with behave(team.cluster, crashes, namespace=team.namespace):
        team.apply("chat", placement={"maxTensorParallelSize": 1})
        eventually(lambda: stalled(team), 60)

        team.apply("chat", placement={"maxTensorParallelSize": 1}, engine={"maxModelLen": 4096, "maxNumSeqs": 64})

        item = team.wait("chat")

    assert condition(item, "Stalled") == {}


def test_a_cause_that_stands_only_in_the_log_is_found_there(team: Team) -> None:
    loads, ends = slow_start(5.0)
    (crash,) = crash_loop(message=PARENT_ONLY)
    crashes = only_with("--max-model-len=40960", (loads, replace(ends, status=crash.status)))
    with behave(team.cluster, crashes, namespace=team.namespace):
        team.apply("chat", model={"id": "Qwen/Qwen3-8B"}, engine={"maxModelLen": 40960, "minModelLen": 8192})
        (pod,) = eventually(lambda: team.children("Pod"), 30)
        write_log(team.cluster, team.namespace, pod["metadata"]["name"], CONTEXT_TOO_LONG)

        eventually(lambda: argument(team, "--max-model-len") != "40960", 60, describe="a shorter context")
        team.wait("chat")


def test_the_cache_that_an_engine_reports_stands_beside_the_estimate(
    team: Team, operator: OperatorProcess, engines: StubEngines
) -> None:
    team.apply("chat", **QWEN_14B)
    team.wait("chat")
    for engine in engines.of_deployment(team.namespace, "chat"):
        engine.num_gpu_blocks = BLOCKS

    def shown() -> Document:
        memory: Document = team.get("chat")["status"]["memory"]
        assert memory["measured"]["kvCacheGiB"] == KV_CACHE_GIB, memory
        return memory

    memory = eventually(shown, 40)
    assert memory["measured"]["kvCacheTokens"] == TOKENS
    assert memory["confidence"] == "Measured"
    assert memory["kvCacheGiB"] != KV_CACHE_GIB


def test_traffic_calibrates_the_speed_and_verifies_the_time_to_first_token(team: Team, engines: StubEngines) -> None:
    objectives = {"timePerOutputTokenMilliseconds": 50, "timeToFirstTokenMilliseconds": 2000}
    team.apply("chat", objectives=objectives)
    assert condition(team.wait("chat"), "TimeToFirstToken")["reason"] == "NotVerified"
    (engine,) = eventually(lambda: engines.of_deployment(team.namespace, "chat"), 30)
    began, engine.inter_token_latency, engine.requests_running = time.monotonic(), 0.02, 10

    def measured_by_traffic() -> bool:
        # Ten requests run, each token takes 20 ms: 500 tokens a second, five requests of a hundred.
        seconds = time.monotonic() - began
        engine.generation_tokens, engine.finished["stop"] = int(500 * seconds), int(5 * seconds)
        return condition(team.get("chat"), "TimeToFirstToken").get("reason") == "Measured"

    eventually(measured_by_traffic, 90, describe="a time to first token that was measured")
    found = condition(team.get("chat"), "TimeToFirstToken")
    assert (found["status"], found["message"][:6]) == ("True", "200 ms")

    # Nothing that runs is moved or counted anew by it; the next decision uses it.
    assert "Estimated, counted with" in condition(team.get("chat"), "Planned")["message"]
    team.apply("chat", objectives=objectives, scaling={"maxReplicas": 3})
    eventually(lambda: "Calibrated, counted with 10% headroom" in condition(team.get("chat"), "Planned")["message"], 30)


def test_absurd_metrics_change_nothing_and_are_counted_and_told_once(
    team: Team, operator: OperatorProcess, engines: StubEngines
) -> None:
    team.apply("chat", **QWEN_14B)
    team.wait("chat")
    before = eventually(lambda: measured(team.get("chat")), 40)
    counted = readings(operator, "absurd")
    for engine in engines.of_deployment(team.namespace, "chat"):
        engine.num_gpu_blocks = 10**9

    eventually(lambda: readings(operator, "absurd") >= counted + 3, 40)

    assert measured(team.get("chat"))["kvCacheGiB"] == before["kvCacheGiB"]
    assert len(eventually(lambda: events(team, "ReadingIgnored"), 20)) == 1


def test_a_start_up_log_shows_every_term(team: Team) -> None:
    log = (
        "INFO [gpu_model_runner.py:1] Model loading took 27.52 GiB and 10.1 seconds\n"
        "INFO [gpu_worker.py:2] Available KV cache memory: 11.06 GiB\n"
        "INFO [kv_cache_utils.py:3] GPU KV cache size: 72,496 tokens\n"
        "INFO [gpu_model_runner.py:4] Graph capturing finished in 4 secs, took 0.67 GiB\n"
    )
    with behave(team.cluster, slow_start(6.0), namespace=team.namespace):
        team.apply("chat", **QWEN_14B)
        (pod,) = eventually(lambda: team.children("Pod"), 30)
        write_log(team.cluster, team.namespace, pod["metadata"]["name"], log)
        team.wait("chat")

    def shown() -> Document:
        found = measured(team.get("chat"))
        assert found.get("weightsGiB") == "27.52", found
        return found

    found = eventually(shown, 40)
    assert (found["kvCacheGiB"], found["kvCacheTokens"], found["cudaGraphGiB"]) == (KV_CACHE_GIB, TOKENS, "0.67")


def test_a_calibration_moves_nothing_that_runs(team: Team, engines: StubEngines) -> None:
    team.apply("chat", **QWEN_14B)
    team.wait("chat")
    before = arguments(team)
    (pod,) = team.children("Pod")
    for engine in engines.of_deployment(team.namespace, "chat"):
        engine.num_gpu_blocks = 2600  # barely one request of 40960 tokens: nobody would choose this today

    eventually(lambda: measured(team.get("chat")).get("kvCacheGiB") == "6.35", 40)
    team.apply("other", **QWEN_14B)  # a new decision, with the calibration
    team.apply("chat", **QWEN_14B, alternative={"provider": "openai", "model": "gpt-4o-mini"})
    item = team.wait("chat")

    assert arguments(team) == before
    assert [entry["metadata"]["uid"] for entry in team.children("Pod") if "chat" in entry["metadata"]["name"]][:1] == [
        pod["metadata"]["uid"]
    ]
    assert item["status"]["decision"]["candidates"][0]["reason"] == "Kept"


def test_a_model_that_only_the_hub_knows_is_planned(team: Team, hub: FakeHub) -> None:
    hub.status, hub.error_code = 200, ""
    team.apply("chat", model={"id": "acme/llm"})

    item = team.wait("chat")

    assert item["status"]["memory"]["weightsGiB"] == "14.99"
    assert argument(team, "--served-model-name") == "acme/llm"


def test_a_gated_model_asks_for_a_model_profile(team: Team, hub: FakeHub) -> None:
    hub.status, hub.error_code = 403, "GatedRepo"
    team.apply("chat", model={"id": "acme/gated"})

    def refused() -> Document:
        item = team.get("chat")
        assert "is gated" in condition(item).get("message", ""), condition(item)
        return item

    item = eventually(refused, 40)
    assert condition(item)["reason"] == "ModelUnknown"
    assert "ModelProfile" in condition(item)["message"]
    assert condition(item, "Stalled")["status"] == "True"


def stalled(team: Team) -> Document:
    item = team.get("chat")
    assert condition(item, "Stalled").get("status") == "True", condition(item)
    assert condition(item)["reason"] == "EngineOutOfMemory"
    return item


def events(team: Team, reason: str) -> list[str]:
    found = team.cluster.objects.list("events.k8s.io/v1", "Event", team.namespace)
    return [entry["note"] for entry in found if entry["reason"] == reason]
