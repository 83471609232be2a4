"""`inferfleet batch-worker`: the process beside the engine of a batch pod; the rendered Job writes its options."""

import os
from pathlib import Path
from typing import Annotated

import typer

PLACE = "A path, an http(s) URL, env:NAME (the URL stands there), or s3://bucket/key."


def batch_worker(
    *,
    engine_url: Annotated[str, typer.Option(help="Root URL of the engine.")],
    model: Annotated[str, typer.Option(help="Name under which the engine serves the model.")],
    source: Annotated[str, typer.Option("--input", help=PLACE)],
    output: Annotated[str, typer.Option(help=PLACE)],
    work_directory: Annotated[Path, typer.Option(help="Where to keep files while working.")],
    concurrency: Annotated[int, typer.Option(min=1, help="Requests in flight.")],
    input_s3_endpoint: Annotated[str | None, typer.Option(help="S3 endpoint of the input.")] = None,
    output_s3_endpoint: Annotated[str | None, typer.Option(help="S3 endpoint of the output.")] = None,
    drain_seconds: Annotated[float, typer.Option(help="How long requests may go on after SIGTERM.")] = 10.0,
    engine_wait_seconds: Annotated[int, typer.Option(help="How long the engine may take to start.")] = 3600,
    api_key_env: Annotated[str | None, typer.Option(help="Variable that holds the engine's API key.")] = None,
    metrics_port: Annotated[int, typer.Option(help="Port of /metrics; 0: none.")] = 0,
    termination_log: Annotated[Path, typer.Option(help="Where Kubernetes reads the termination message.")] = Path(
        "/dev/termination-log"
    ),
) -> None:
    """Read lines, ask the engine beside it, write the answers (runs in pods that the operator creates)."""
    import logging

    from inferfleet.batch_worker.arguments import Arguments
    from inferfleet.batch_worker.main import run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    arguments = Arguments(
        engine_url=engine_url,
        model=model,
        input=source,
        output=output,
        work_directory=work_directory,
        concurrency=concurrency,
        input_s3_endpoint=input_s3_endpoint,
        output_s3_endpoint=output_s3_endpoint,
        drain_seconds=drain_seconds,
        engine_wait_seconds=engine_wait_seconds,
        api_key_env=api_key_env,
        metrics_port=metrics_port,
        termination_log=termination_log,
        environment=os.environ,
    )
    raise typer.Exit(run(arguments))
