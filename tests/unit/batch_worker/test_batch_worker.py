"""The whole worker against a stub engine over real HTTP."""

import asyncio
from typing import Any

import orjson
import pytest

from inferfleet.domain.exit_codes import BAD_INPUT, DONE, INTERRUPTED, TRY_AGAIN
from tests.unit.batch_worker.conftest import Batch, line

PROMPTS = [f"p{number}" for number in range(20)]


def write_input(batch: Batch, *lines: bytes) -> None:
    batch.input.write_bytes(b"".join(lines or (line(prompt) for prompt in PROMPTS)))


async def test_every_line_is_answered_in_the_order_of_the_input(batch: Batch) -> None:
    write_input(batch)
    assert await batch.worker().work() == DONE
    assert batch.answered() == [f"id-{prompt}" for prompt in PROMPTS]


async def test_an_output_line_has_the_format_of_openai(batch: Batch) -> None:
    write_input(batch, line("hello"))
    await batch.worker().work()
    assert batch.records(batch.output) == [
        {
            "id": "line-1",
            "custom_id": "id-hello",
            "response": {"status_code": 200, "request_id": "", "body": {"echo": "hello"}},
            "error": None,
        }
    ]


async def test_the_termination_message_holds_the_counts(batch: Batch) -> None:
    write_input(batch, line("good"), b"bad\n")
    await batch.worker().work()
    assert batch.termination_message == {"total": 2, "done": 1, "quarantined": 1, "outcome": "Done", "message": ""}


async def test_the_progress_file_holds_the_counts(batch: Batch) -> None:
    write_input(batch)
    await batch.worker().work()
    progress = orjson.loads((batch.folder / "out" / "result.progress.json").read_bytes())
    assert progress == {"total": 20, "done": 20, "quarantined": 0}


async def test_no_more_requests_are_in_flight_than_allowed(batch: Batch) -> None:
    write_input(batch, *(line(prompt) for prompt in PROMPTS[:18]))
    three = asyncio.Barrier(3)

    async def together(_body: dict[str, Any]) -> None:
        await three.wait()

    batch.engine.before_answer = together
    await batch.worker(concurrency=3).work()
    assert batch.engine.most_in_flight == 3


async def test_bad_lines_go_to_the_errors_file_with_the_reason(batch: Batch) -> None:
    write_input(batch, line("a"), line("b", method="GET"), line("c"))
    assert await batch.worker().work() == DONE
    assert batch.answered() == ["id-a", "id-c"]
    (record,) = batch.records(batch.errors)
    assert (record["id"], record["custom_id"]) == ("line-2", "id-b")
    assert record["error"] == {"code": "bad_line", "message": "method must be POST, not 'GET'"}


async def test_a_line_that_the_engine_refuses_is_quarantined_and_not_tried_again(batch: Batch) -> None:
    write_input(batch, line("a"), line("b"))
    batch.engine.script = {"a": [400]}
    assert await batch.worker().work() == DONE
    assert batch.engine.prompts().count("a") == 1
    assert batch.records(batch.errors)[0]["error"]["code"] == "engine_refused"


@pytest.mark.parametrize("trouble", [429, 500, 503, 0])
async def test_trouble_that_passes_is_tried_again(batch: Batch, trouble: int) -> None:
    write_input(batch, line("a"), line("b"))
    batch.engine.script = {"a": [trouble, trouble]}
    assert await batch.worker().work() == DONE
    assert batch.answered() == ["id-a", "id-b"]


async def test_a_line_at_which_the_engine_keeps_failing_is_quarantined(batch: Batch) -> None:
    write_input(batch, line("a"), line("b"))
    batch.engine.script = {"a": [500] * 50}
    assert await batch.worker().work() == DONE
    assert batch.records(batch.errors)[0]["error"]["code"] == "engine_failed"


async def test_a_line_that_kills_the_engine_does_not_take_the_others_with_it(batch: Batch) -> None:
    write_input(batch)
    batch.engine.script = {"p7": [0] * 50}
    assert await batch.worker().work() == DONE
    assert batch.answered() == [f"id-{prompt}" for prompt in PROMPTS if prompt != "p7"]
    (record,) = batch.records(batch.errors)
    assert record["error"] == {
        "code": "engine_died",
        "message": "the engine went away 3 times under line 8, sent alone",
    }


async def test_a_suspect_is_sent_alone(batch: Batch) -> None:
    write_input(batch)
    batch.engine.script = {"p7": [0] * 4}
    beside: list[int] = []

    async def count(body: dict[str, Any]) -> None:
        if body["messages"] == "p7":
            beside.append(batch.engine.in_flight - 1)

    batch.engine.before_answer = count
    assert await batch.worker().work() == DONE
    assert beside[-1] == 0
    assert not batch.errors.exists()


async def test_an_engine_that_ends_under_every_line_is_blamed_itself(batch: Batch) -> None:
    write_input(batch)
    batch.engine.script = {prompt: [0] * 50 for prompt in PROMPTS}
    assert await batch.worker().work() == TRY_AGAIN
    assert "under 3 lines in a row" in batch.termination_message["message"]


async def test_the_engine_is_waited_for_and_given_up_in_the_end(batch: Batch) -> None:
    write_input(batch)
    batch.engine.healthy = False
    assert await batch.worker(engine_wait_seconds=5).work() == TRY_AGAIN
    assert batch.termination_message["message"] == "the engine was not ready within 5 s"


async def test_the_api_key_is_sent(batch: Batch) -> None:
    write_input(batch, line("a"))
    await batch.worker(api_key_env="KEY", environment={"KEY": "secret"}).work()
    assert batch.engine.keys == ["Bearer secret"]


async def test_a_refused_api_key_ends_the_job(batch: Batch) -> None:
    write_input(batch, line("a"))
    batch.engine.script = {"a": [401]}
    assert await batch.worker().work() == BAD_INPUT
    assert "apiKeySecretRef" in batch.termination_message["message"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the input has no lines"),
        (b"\n\n", "the input has no lines"),
        (b"nonsense\n{}\n", "no line of the input can be done; line 1: not JSON"),
    ],
)
async def test_input_that_can_never_work_ends_the_job_before_the_engine_is_asked(
    batch: Batch, content: bytes, message: str
) -> None:
    batch.input.write_bytes(content)
    assert await batch.worker().work() == BAD_INPUT
    assert batch.termination_message["message"].startswith(message)
    assert batch.engine.seen == []


async def test_an_input_that_does_not_exist_is_named(batch: Batch) -> None:
    assert await batch.worker().work() == BAD_INPUT
    assert str(batch.input) in batch.termination_message["message"]


class TestInterruption:
    """SIGTERM, a killed process, a torn disk: what is finished stays finished, and nothing is done twice."""

    async def stopped_at(self, batch: Batch, prompt: str, *, finish: bool) -> int:
        """Run until the engine gets this prompt, then say stop; the request finishes only with `finish`."""
        worker = batch.worker(concurrency=1, drain_seconds=30.0 if finish else 0.0)

        async def stop(body: dict[str, Any]) -> None:
            if body["messages"] == prompt:
                worker.stop.set()
                if not finish:
                    await asyncio.Event().wait()

        batch.engine.before_answer = stop
        try:
            return await worker.work()
        finally:
            batch.engine.before_answer = None
            batch.engine.seen.clear()

    async def test_a_request_in_flight_may_finish(self, batch: Batch) -> None:
        write_input(batch)
        assert await self.stopped_at(batch, "p7", finish=True) == INTERRUPTED
        assert len(batch.records(batch.part)) == 8

    async def test_a_request_that_takes_too_long_is_given_up(self, batch: Batch) -> None:
        write_input(batch)
        assert await self.stopped_at(batch, "p7", finish=False) == INTERRUPTED
        assert len(batch.records(batch.part)) == 7

    async def test_the_results_have_their_final_name_only_when_all_is_there(self, batch: Batch) -> None:
        write_input(batch)
        await self.stopped_at(batch, "p7", finish=False)
        assert not batch.output.exists()

    async def test_the_next_run_goes_on_where_the_last_one_stopped(self, batch: Batch) -> None:
        write_input(batch)
        await self.stopped_at(batch, "p7", finish=False)
        assert await batch.worker().work() == DONE
        assert sorted(batch.engine.prompts()) == sorted(PROMPTS[7:])
        assert batch.answered() == [f"id-{prompt}" for prompt in PROMPTS]
        assert not batch.part.exists()

    async def test_quarantined_lines_are_not_tried_again(self, batch: Batch) -> None:
        write_input(batch, b"bad\n", *(line(prompt) for prompt in PROMPTS))
        await self.stopped_at(batch, "p7", finish=False)
        assert await batch.worker().work() == DONE
        assert len(batch.records(batch.errors)) == 1
        assert batch.termination_message["quarantined"] == 1

    async def test_a_torn_last_record_is_done_again(self, batch: Batch) -> None:
        write_input(batch)
        await self.stopped_at(batch, "p7", finish=False)
        batch.part.write_bytes(batch.part.read_bytes()[:-5])
        assert await batch.worker().work() == DONE
        assert batch.answered() == [f"id-{prompt}" for prompt in PROMPTS]

    async def test_a_gap_that_a_failed_node_left_is_filled(self, batch: Batch) -> None:
        write_input(batch, line("a"), b"bad\n", line("c"), line("stop"))
        await self.stopped_at(batch, "stop", finish=False)
        (batch.folder / "out" / "result.errors.jsonl.part").write_bytes(b"")
        assert await batch.worker().work() == DONE
        assert batch.answered() == ["id-a", "id-c", "id-stop"]
        assert [record["id"] for record in batch.records(batch.errors)] == ["line-2"]

    async def test_results_of_another_input_are_never_continued(self, batch: Batch) -> None:
        write_input(batch)
        await self.stopped_at(batch, "p7", finish=False)
        write_input(batch, *(line(f"other{number}") for number in range(20)))
        assert await batch.worker().work() == BAD_INPUT
        assert "belong to another input" in batch.termination_message["message"]

    async def test_a_finished_batch_is_not_done_again(self, batch: Batch) -> None:
        write_input(batch)
        await batch.worker().work()
        batch.engine.seen.clear()
        assert await batch.worker().work() == DONE
        assert batch.engine.seen == []
        assert batch.termination_message["done"] == 20

    async def test_somebody_elses_file_under_the_final_name_is_left_alone(self, batch: Batch) -> None:
        write_input(batch)
        batch.output.parent.mkdir()
        batch.output.write_text("precious\n")
        assert await batch.worker().work() == BAD_INPUT
        assert batch.output.read_text() == "precious\n"

    async def test_stop_before_the_engine_is_ready_ends_at_once(self, batch: Batch) -> None:
        write_input(batch)
        worker = batch.worker()
        worker.stop.set()
        assert await worker.work() == INTERRUPTED
        assert batch.engine.seen == []
