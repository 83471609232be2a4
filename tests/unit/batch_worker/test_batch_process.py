"""The worker as Kubernetes runs it: the rendered command line, exit codes, SIGTERM."""

import asyncio
import signal
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

import inferfleet.batch_worker.main
from inferfleet.batch_worker.arguments import Arguments
from inferfleet.cli.main import app
from inferfleet.domain.exit_codes import INTERRUPTED
from inferfleet.render import render
from tests.golden.cases import CASES
from tests.unit.batch_worker.conftest import MODEL, Batch, line

BATCHES = [name for name in CASES if name.startswith("batch-")]


@pytest.mark.parametrize("name", BATCHES)
def test_the_command_line_understands_what_the_job_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    situation = CASES[name]
    (job,) = render(situation.demand, situation.decision, situation.pools, situation.facts)
    (container,) = job.body["spec"]["template"]["spec"]["containers"]
    program, *command = [str(word) for word in container["command"] + container["args"]]
    told: list[Arguments] = []

    def note(arguments: Arguments) -> int:
        told.append(arguments)
        return 0

    monkeypatch.setattr(inferfleet.batch_worker.main, "run", note)
    result = CliRunner().invoke(app, command)
    assert (program, result.exit_code, result.output) == ("inferfleet", 0, "")
    assert told[0].model == situation.demand.model.id


async def test_a_process_told_to_stop_keeps_what_is_finished_and_says_so(batch: Batch) -> None:
    batch.input.write_bytes(b"".join(line(prompt) for prompt in ("a", "b", "stuck", "d")))
    stuck = asyncio.Event()

    async def hold(body: dict[str, Any]) -> None:
        if body["messages"] == "stuck":
            stuck.set()
            await asyncio.Event().wait()

    batch.engine.before_answer = hold
    (batch.folder / "termination-log").touch()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "inferfleet",
        "batch-worker",
        f"--engine-url={batch.engine.url}",
        f"--model={MODEL}",
        f"--input={batch.input}",
        f"--output={batch.output}",
        f"--work-directory={batch.folder}",
        "--concurrency=1",
        "--drain-seconds=0",
        f"--termination-log={batch.folder / 'termination-log'}",
    )
    await stuck.wait()
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == INTERRUPTED
    assert [record["custom_id"] for record in batch.records(batch.part)] == ["id-a", "id-b"]
    assert batch.termination_message["outcome"] == "Interrupted"
