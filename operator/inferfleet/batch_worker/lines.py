"""One line of an OpenAI batch file: read, checked, ready to be sent.

In: raw bytes of a line and the name of the served model. Out: a `Request`, or a `BadLine` with the reason. The format
is that of OpenAI's Batch API (`custom_id`, `method`, `url`, `body`), as `vllm run-batch` reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

# What an OpenAI-compatible vLLM server answers with one JSON document (vllm/entrypoints/openai, 0.32.0).
ENDPOINTS = frozenset(
    {
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/responses",
        "/v1/score",
        "/v1/rerank",
        "/score",
        "/rerank",
        "/classify",
        "/pooling",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A line that can be sent: `number` counts from 1 and counts only lines that are not blank; `body` is JSON."""

    number: int
    custom_id: str
    url: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that can never be sent, and why. `custom_id` is None when the line has none that could be read."""

    number: int
    custom_id: str | None
    reason: str


def read_lines(path: Path, model: str) -> Iterator[Request | BadLine]:
    """Read a file line by line, however long it is; blank lines do not count."""
    number = 0
    with path.open("rb") as file:
        for raw in file:
            if raw.strip():
                number += 1
                yield parse_line(number, raw, model)


def parse_line(number: int, raw: bytes, model: str) -> Request | BadLine:
    """Check one line and put the served model's name into its body where it has none.

    A line that asks for another model is refused rather than answered by a model that its author did not choose.
    """
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        return BadLine(number=number, custom_id=None, reason=f"not JSON: {error}")
    if not isinstance(line, dict):
        return BadLine(
            number=number, custom_id=None, reason="must be a JSON object with custom_id, method, url and body"
        )
    custom_id = line.get("custom_id")
    if not isinstance(custom_id, str) or not custom_id:
        return BadLine(number=number, custom_id=None, reason="custom_id must be a string that is not empty")
    reason = _objection(line, model)
    if reason is not None:
        return BadLine(number=number, custom_id=custom_id, reason=reason)
    body = {**line["body"], "model": model}
    return Request(number=number, custom_id=custom_id, url=line["url"], body=orjson.dumps(body))


def _objection(line: dict[str, Any], model: str) -> str | None:
    if line.get("method", "POST") != "POST":
        return f"method must be POST, not {line['method']!r}"
    if line.get("url") not in ENDPOINTS:
        return f"url must be one of {', '.join(sorted(ENDPOINTS))}, not {line.get('url')!r}"
    body = line.get("body")
    if not isinstance(body, dict):
        return "body must be a JSON object"
    if body.get("stream"):
        return "body.stream must be absent or false: a batch is answered in whole documents"
    if body.get("model", model) != model:
        return f"body.model must be absent or {model!r}, not {body['model']!r}"
    return None
