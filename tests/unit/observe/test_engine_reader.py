"""Fetching metrics from pods and from Prometheus: what is read, and what is refused before anybody believes it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from inferfleet.domain.calibration import Unusable
from inferfleet.engine.throughput import CounterSnapshot
from inferfleet.observe.engine_metrics import LONGEST_TEXT, CacheFacts, Reading
from inferfleet.observe.engine_reader import EnginePlace, PodReader, PrometheusReader, ReadingFailed

NOW = 1000.0
TEXT = """\
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0"} 3.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0"} 0.0
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0"} 1000.0
# TYPE vllm:inter_token_latency_seconds histogram
vllm:inter_token_latency_seconds_count{engine="0"} 900.0
vllm:inter_token_latency_seconds_sum{engine="0"} 18.0
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="4531"} 1.0
"""
COUNTERS = CounterSnapshot(
    at_seconds=NOW,
    generation_tokens=1000.0,
    token_latency_sum=18.0,
    token_latency_count=900.0,
    running=3.0,
    waiting=0.0,
)


@dataclass
class Answers:
    """What the server says, and what it was asked."""

    text: str = TEXT
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[web.Request] = field(default_factory=list)
    server: TestServer | None = None

    @property
    def place(self) -> EnginePlace:
        assert self.server is not None
        assert self.server.port is not None
        return EnginePlace(namespace="team-a", pod="chat-1", address="127.0.0.1", port=self.server.port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.place.port}"


@pytest.fixture
async def answers() -> AsyncIterator[Answers]:
    said = Answers()

    async def handle(request: web.Request) -> web.Response:
        said.asked.append(request)
        return web.Response(text=said.text, status=said.status, headers=said.headers)

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    server = TestServer(application)
    async with server:
        said.server = server
        yield said


async def read_pod(answers: Answers) -> Reading:
    reader = PodReader(now=lambda: NOW)
    try:
        return await reader.read(answers.place)
    finally:
        await reader.close()


async def ask_prometheus(answers: Answers) -> Reading:
    reader = PrometheusReader(answers.url + "/", now=lambda: NOW)
    try:
        return await reader.read(answers.place)
    finally:
        await reader.close()


async def test_a_pod_is_asked_for_its_metrics(answers: Answers) -> None:
    assert await read_pod(answers) == Reading(counters=COUNTERS, cache=CacheFacts(blocks=4531, block_size=16))
    assert [request.path for request in answers.asked] == ["/metrics"]


async def test_a_pod_that_sends_elsewhere_is_not_followed(answers: Answers) -> None:
    answers.status, answers.headers = 302, {"location": "/elsewhere"}
    with pytest.raises(ReadingFailed, match="302"):
        await read_pod(answers)
    assert len(answers.asked) == 1


async def test_an_endless_answer_is_cut_off(answers: Answers) -> None:
    answers.text = "x" * (LONGEST_TEXT + 1)
    with pytest.raises(ReadingFailed, match="more than"):
        await read_pod(answers)


async def test_nobody_listening_is_told() -> None:
    reader = PodReader(now=lambda: NOW)
    with pytest.raises(ReadingFailed, match="did not answer"):
        await reader.read(EnginePlace(namespace="team-a", pod="chat-1", address="127.0.0.1", port=1))
    await reader.close()


def matrix(text: str, *, at: float) -> str:
    """What Prometheus would say of these samples."""
    series: list[dict[str, Any]] = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, _, rest = line.partition("{")
        labels, _, value = rest.partition("} ")
        pairs = dict(pair.split("=") for pair in labels.replace('"', "").split(","))
        series.append({"metric": {"__name__": name, **pairs}, "values": [[at - 15, "0"], [at, value]]})
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}})


async def test_prometheus_is_asked_for_the_newest_samples_of_one_pod(answers: Answers) -> None:
    answers.text = matrix(TEXT, at=NOW)
    assert await ask_prometheus(answers) == Reading(counters=COUNTERS, cache=CacheFacts(blocks=4531, block_size=16))
    (request,) = answers.asked
    assert request.path == "/api/v1/query"
    assert 'namespace="team-a",pod="chat-1"' in request.query["query"]


async def test_samples_that_are_too_old_are_stale(answers: Answers) -> None:
    answers.text = matrix(TEXT, at=NOW - 600)
    with pytest.raises(ReadingFailed, match="old") as failed:
        await ask_prometheus(answers)
    assert failed.value.reason is Unusable.STALE


@pytest.mark.parametrize("text", ["{", "[]", '{"data": {}}', '{"data": {"result": [{"metric": {}, "values": []}]}}'])
async def test_an_answer_that_is_none_of_prometheus_is_refused(answers: Answers, text: str) -> None:
    answers.text = text
    with pytest.raises(ReadingFailed, match="cannot be read"):
        await ask_prometheus(answers)


async def test_a_pod_that_prometheus_does_not_know_gives_nothing(answers: Answers) -> None:
    answers.text = '{"data": {"result": []}}'
    with pytest.raises(ReadingFailed, match="no samples"):
        await ask_prometheus(answers)
