"""vLLM's HTTP interface over an `EngineState`: health, metrics and the OpenAI-compatible endpoints.

In: requests. Out: answers of the same shape as vLLM's, with canned text. Metric names and labels are those of
vLLM 0.32 and 0.33 (`vllm/v1/metrics/loggers.py`); counters carry the `_total` that the Prometheus client appends.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import orjson
from aiohttp import web

from tests.controlplane.engine_state import EngineState, Fault

_STATE: web.AppKey[EngineState] = web.AppKey("state", EngineState)
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def engine_application(state: EngineState) -> web.Application:
    """Return the web application of one engine."""
    application = web.Application(middlewares=[_misbehave])
    application[_STATE] = state
    application.add_routes(
        [
            web.get("/health", _health),
            web.get("/metrics", _metrics),
            web.get("/version", _version),
            web.get("/v1/models", _models),
            web.post("/v1/chat/completions", _chat),
            web.post("/v1/completions", _completions),
            web.post("/v1/embeddings", _embeddings),
        ]
    )
    return application


@web.middleware
async def _misbehave(request: web.Request, handler: Any) -> web.StreamResponse:
    state = request.app[_STATE]
    if state.fault is Fault.HANG:
        await asyncio.Event().wait()
    if state.fault is Fault.DROP and request.transport is not None:
        request.transport.abort()
    serving = request.path.startswith("/v1/")
    if state.fault is Fault.ERROR and serving:
        return _refusal(500, "InternalServerError", "simulated failure")
    if state.fault is Fault.OVERLOADED and serving:
        return _refusal(503, "ServiceUnavailableError", "the request queue is full")
    if state.delay:
        await asyncio.sleep(state.delay)
    answer: web.StreamResponse = await handler(request)
    return answer


async def _health(request: web.Request) -> web.Response:
    return web.Response(status=503 if request.app[_STATE].fault is Fault.UNHEALTHY else 200)


async def _version(request: web.Request) -> web.Response:
    return _json({"version": request.app[_STATE].arguments.get("version", "0.32.0")})


async def _models(request: web.Request) -> web.Response:
    state = request.app[_STATE]
    entry = {"id": state.model, "object": "model", "owned_by": "vllm", "max_model_len": state.max_model_len}
    return _json({"object": "list", "data": [entry]})


async def _chat(request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    prompt = sum(len(str(message.get("content", "")).split()) for message in body.get("messages", ()))
    return await _generate(request, body, prompt, chat=True)


async def _completions(request: web.Request) -> web.StreamResponse:
    body = await _body(request)
    return await _generate(request, body, len(str(body.get("prompt", "")).split()), chat=False)


async def _embeddings(request: web.Request) -> web.Response:
    body = await _body(request)
    inputs = body.get("input", "")
    texts = inputs if isinstance(inputs, list) else [inputs]
    tokens = sum(len(str(text).split()) for text in texts)
    request.app[_STATE].serve(tokens, 0)
    data = [{"object": "embedding", "index": index, "embedding": [0.0, 1.0]} for index in range(len(texts))]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return _json({"object": "list", "model": request.app[_STATE].model, "data": data, "usage": usage})


async def _body(request: web.Request) -> dict[str, Any]:
    """Return the request's body, remembered for the test; refuse an unknown model as vLLM does."""
    state = request.app[_STATE]
    body: dict[str, Any] = orjson.loads(await request.read())
    state.received.append((request.path, body))
    if body.get("model") not in {None, state.model}:
        message = f"The model `{body['model']}` does not exist."
        refusal = json.dumps({"error": {"message": message, "type": "NotFoundError", "code": 404}})
        raise web.HTTPNotFound(text=refusal, content_type="application/json")
    return body


async def _generate(request: web.Request, body: dict[str, Any], prompt: int, *, chat: bool) -> web.StreamResponse:
    state = request.app[_STATE]
    wanted = int(body.get("max_completion_tokens") or body.get("max_tokens") or 3)
    words = ["simulated"] * min(wanted, 3)
    state.serve(prompt, len(words))
    kind = "chat.completion" if chat else "text_completion"
    head = {"id": f"cmpl-{len(state.received)}", "object": kind, "created": 0, "model": state.model}
    usage = {"prompt_tokens": prompt, "completion_tokens": len(words), "total_tokens": prompt + len(words)}
    if body.get("stream"):
        return await _stream(request, head, words, usage, chat=chat)
    text = " ".join(words)
    content = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    return _json({**head, "choices": [{"index": 0, "finish_reason": "stop", **content}], "usage": usage})


async def _stream(
    request: web.Request, head: dict[str, Any], words: list[str], usage: dict[str, int], *, chat: bool
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    if chat:
        head = {**head, "object": "chat.completion.chunk"}
    for word in words:
        content = {"delta": {"content": word}} if chat else {"text": word}
        chunk = {**head, "choices": [{"index": 0, "finish_reason": None, **content}]}
        await response.write(b"data: " + orjson.dumps(chunk) + b"\n\n")
    await response.write(b"data: " + orjson.dumps({**head, "choices": [], "usage": usage}) + b"\n\n")
    await response.write(b"data: [DONE]\n\n")
    return response


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(text=metrics_text(request.app[_STATE]), content_type="text/plain")


def metrics_text(state: EngineState) -> str:
    """Return what Prometheus would read from this engine."""
    labels = f'engine="0",model_name="{state.model}"'
    lines: list[str] = []

    def add(name: str, kind: str, *samples: tuple[str, float]) -> None:
        # As prometheus_client writes it for vLLM: a counter's family has the name of its samples.
        lines.append(f"# TYPE vllm:{name}{'_total' if kind == 'counter' else ''} {kind}")
        lines.extend(f"vllm:{sample} {value}" for sample, value in samples)

    def histogram(name: str, mean: float, count: int) -> None:
        samples = [(f'{name}_bucket{{{labels},le="{bound}"}}', count * (mean <= bound)) for bound in _BUCKETS]
        samples.append((f'{name}_bucket{{{labels},le="+Inf"}}', count))
        add(
            name, "histogram", *samples, (f"{name}_sum{{{labels}}}", mean * count), (f"{name}_count{{{labels}}}", count)
        )

    requests = sum(state.finished.values())
    add("num_requests_running", "gauge", (f"num_requests_running{{{labels}}}", state.requests_running))
    add("num_requests_waiting", "gauge", (f"num_requests_waiting{{{labels}}}", state.requests_waiting))
    add("kv_cache_usage_perc", "gauge", (f"kv_cache_usage_perc{{{labels}}}", state.kv_cache_usage))
    cache = {
        "block_size": state.block_size,
        "cache_dtype": state.arguments.get("kv-cache-dtype", "auto"),
        "gpu_memory_utilization": state.arguments.get("gpu-memory-utilization", "0.92"),
        "num_gpu_blocks": state.num_gpu_blocks,
    }
    facts = ",".join(f'{key}="{value}"' for key, value in cache.items())
    add("cache_config_info", "gauge", (f'cache_config_info{{{facts},engine="0"}}', 1.0))
    for name, value in (
        ("prompt_tokens", state.prompt_tokens),
        ("generation_tokens", state.generation_tokens),
        ("num_preemptions", state.preemptions),
    ):
        add(name, "counter", (f"{name}_total{{{labels}}}", value))
    reasons = [(f'request_success_total{{{labels},finished_reason="{k}"}}', v) for k, v in state.finished.items()]
    add("request_success", "counter", *reasons)
    tokens_per_request = state.generation_tokens / requests if requests else 0.0
    histogram("time_to_first_token_seconds", state.time_to_first_token, requests)
    histogram("inter_token_latency_seconds", state.inter_token_latency, state.generation_tokens)
    whole = state.time_to_first_token + tokens_per_request * state.inter_token_latency
    histogram("e2e_request_latency_seconds", whole, requests)
    return "\n".join(lines) + "\n"


def _refusal(status: int, kind: str, message: str) -> web.Response:
    return _json({"error": {"message": message, "type": kind, "code": status}}, status=status)


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json", status=status)
