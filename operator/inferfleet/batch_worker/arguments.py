"""What the worker is told: every choice is an argument of the Job, none is guessed in the pod."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Arguments of `inferfleet batch-worker`.

    `input` and `output` are a file path, an http(s) URL, `env:NAME` (the URL stands in that variable) or
    `s3://bucket/key`. `model` is the name that the engine serves. `concurrency` bounds requests in flight.
    `drain_seconds` is how long requests in flight may go on after SIGTERM. `api_key_env` names the variable that holds
    the engine's API key. `metrics_port` 0: no metrics. `termination_log` is the file of the
    termination message.
    """

    engine_url: str
    model: str
    input: str
    output: str
    work_directory: Path
    concurrency: int
    input_s3_endpoint: str | None = None
    output_s3_endpoint: str | None = None
    drain_seconds: float = 10.0
    engine_wait_seconds: int = 3600
    api_key_env: str | None = None
    metrics_port: int = 0
    termination_log: Path = Path("/dev/termination-log")
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
