import pytest

from inferfleet.batch_worker.lines import BadLine, Request, parse_line
from tests.unit.batch_worker.conftest import MODEL, line


def reason(raw: bytes) -> str:
    parsed = parse_line(1, raw, MODEL)
    assert isinstance(parsed, BadLine)
    return parsed.reason


def test_a_good_line_becomes_a_request_for_the_served_model() -> None:
    parsed = parse_line(7, line("hello"), MODEL)
    assert parsed == Request(
        number=7,
        custom_id="id-hello",
        url="/v1/chat/completions",
        body=b'{"messages":"hello","model":"acme/llm-1b"}',
    )


def test_a_line_for_another_model_is_refused_and_names_both() -> None:
    assert reason(line("hello", body={"model": "gpt-4o"})) == "body.model must be absent or 'acme/llm-1b', not 'gpt-4o'"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"{oops", "not JSON"),
        (b"[1]", "must be a JSON object"),
        (line("x", custom_id=""), "custom_id must be a string"),
        (line("x", custom_id=5), "custom_id must be a string"),
        (line("x", method="GET"), "method must be POST, not 'GET'"),
        (line("x", url="/admin"), "url must be one of"),
        (line("x", body="text"), "body must be a JSON object"),
        (line("x", body={"stream": True}), "body.stream must be absent or false"),
        (b"\xff\xfe\n", "not JSON"),
    ],
)
def test_a_bad_line_says_what_is_wrong(raw: bytes, expected: str) -> None:
    assert expected in reason(raw)
