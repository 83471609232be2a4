"""Simulated pods answer real HTTP at their own address, as vLLM does."""

from __future__ import annotations

import json

import pytest
import urllib3

from tests.controlplane import Cluster, eventually
from tests.controlplane.engine import StubEngines
from tests.controlplane.engine_state import EngineState, Fault
from tests.integration.controlplane.conftest import Workload


@pytest.fixture
def engine(cluster: Cluster, namespace: str, serving: Workload, engines: StubEngines) -> EngineState:
    cluster.objects.create(serving())
    (pod,) = eventually(lambda: cluster.objects.list("v1", "Pod", namespace))
    return engines.of_pod(namespace, pod["metadata"]["name"])


def answer(engine: EngineState, path: str, body: dict[str, object] | None = None) -> urllib3.BaseHTTPResponse:
    method, sent = ("GET", None) if body is None else ("POST", json.dumps(body))
    return urllib3.request(method, engine.url + path, body=sent, retries=False, timeout=5)


def test_a_ready_pod_is_healthy(engine: EngineState) -> None:
    assert answer(engine, "/health").status == 200


def test_the_served_model_is_the_one_of_the_pods_arguments(engine: EngineState) -> None:
    (model,) = answer(engine, "/v1/models").json()["data"]
    assert (model["id"], model["max_model_len"]) == ("acme/llm", 4096)


def test_a_chat_completion_says_how_many_tokens_it_used(engine: EngineState) -> None:
    messages = [{"role": "user", "content": "one two three"}]
    usage = answer(engine, "/v1/chat/completions", {"model": "acme/llm", "messages": messages}).json()["usage"]
    assert usage == {"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}


def test_requests_show_in_the_metrics(engine: EngineState) -> None:
    answer(engine, "/v1/completions", {"model": "acme/llm", "prompt": "one two", "max_tokens": 2})
    text = answer(engine, "/metrics").data.decode()
    assert 'vllm:generation_tokens_total{engine="0",model_name="acme/llm"} 2' in text


def test_the_size_of_the_kv_cache_shows_in_the_metrics(engine: EngineState) -> None:
    engine.num_gpu_blocks = 1234
    text = answer(engine, "/metrics").data.decode()
    assert 'num_gpu_blocks="1234"' in next(line for line in text.splitlines() if "cache_config_info{" in line)


def test_a_model_that_is_not_served_is_not_found(engine: EngineState) -> None:
    assert answer(engine, "/v1/completions", {"model": "other", "prompt": "x"}).status == 404


def test_an_unhealthy_engine_says_so(engine: EngineState) -> None:
    engine.fault = Fault.UNHEALTHY
    assert answer(engine, "/health").status == 503


def test_a_deleted_pod_refuses_connections(cluster: Cluster, namespace: str, engine: EngineState) -> None:
    cluster.objects.delete("apps/v1", "Deployment", "chat", namespace)

    def refused() -> bool:
        try:
            answer(engine, "/health")
        except urllib3.exceptions.HTTPError:
            return True
        return False

    eventually(refused)
