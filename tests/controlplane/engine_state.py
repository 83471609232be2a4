"""What one simulated engine is: its address, its model, what it reports, how it misbehaves.

In: a pod's own command line and address. Out: a value that tests change and `engine_http.py` reads at every request.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.controlplane.objects import Manifest


class Fault(StrEnum):
    """How an engine misbehaves. UNHEALTHY: /health says 503; HANG: requests are never answered; ERROR: status 500."""

    NONE = "none"
    UNHEALTHY = "unhealthy"
    HANG = "hang"
    ERROR = "error"
    OVERLOADED = "overloaded"
    DROP = "drop"


@dataclass(slots=True, kw_only=True)
class EngineState:
    """One engine. Change any field while it serves. Times in seconds, cache sizes in blocks of `block_size` tokens."""

    namespace: str
    pod: str
    address: str
    port: int
    arguments: dict[str, str]
    model: str
    max_model_len: int = 8192
    fault: Fault = Fault.NONE
    delay: float = 0.0
    requests_running: int = 0
    requests_waiting: int = 0
    kv_cache_usage: float = 0.0
    num_gpu_blocks: int = 10_000
    block_size: int = 16
    time_to_first_token: float = 0.2
    inter_token_latency: float = 0.03
    prompt_tokens: int = 0
    generation_tokens: int = 0
    preemptions: int = 0
    finished: dict[str, int] = field(default_factory=lambda: {"stop": 0, "length": 0, "abort": 0})
    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the engine answers."""
        return f"http://{self.address}:{self.port}"

    def serve(self, prompt_tokens: int, generation_tokens: int, finish_reason: str = "stop") -> None:
        """Count one finished request, as if a client had sent it."""
        self.prompt_tokens += prompt_tokens
        self.generation_tokens += generation_tokens
        self.finished[finish_reason] += 1


def engine_of_pod(pod: Manifest) -> EngineState | None:
    """Return the engine that a ready pod would run, or None where no container requests a GPU."""
    spec, status = pod["spec"], pod["status"]
    for container in [*spec.get("initContainers", ()), *spec["containers"]]:
        limits = container.get("resources", {}).get("limits", {})
        if not {"nvidia.com/gpu", "amd.com/gpu"}.intersection(limits):
            continue
        arguments = parse_arguments([*container.get("command", ()), *container.get("args", ())])
        model = arguments.get("model", container["name"])
        return EngineState(
            namespace=pod["metadata"]["namespace"],
            pod=pod["metadata"]["name"],
            address=status["podIP"],
            port=int(arguments.get("port", _container_port(container))),
            arguments=arguments,
            model=arguments.get("served-model-name", model),
            max_model_len=int(arguments.get("max-model-len", 8192)),
        )
    return None


def parse_arguments(words: list[str]) -> dict[str, str]:
    """Return `--name=value` and `--name value` as a mapping, with `-` in names; flags alone have the value "true"."""
    parsed: dict[str, str] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, separator, value = word.removeprefix("--").partition("=")
            name = name.replace("_", "-")
            parsed[name] = value if separator else "true"
            name = "" if separator else name
        elif name:
            parsed[name], name = word, ""
    return parsed


def _container_port(container: Manifest) -> int:
    ports = container.get("ports") or [{"containerPort": 8000}]
    return int(ports[0]["containerPort"])
