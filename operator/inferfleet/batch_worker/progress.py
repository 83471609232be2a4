"""How far the batch is, for everybody who asks: a file beside the results, metrics, and the termination message.

In: counts. Out: JSON `{"total", "done", "quarantined"}` plus, at the end, `outcome` and `message`. No prompt, answer or
address ever stands in it: the termination message is readable by whoever may see the pod.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import orjson
from prometheus_client import CollectorRegistry, Gauge

# Kubernetes keeps 4096 bytes of a termination message (docs, "Determine the Reason for Pod Failure").
_LONGEST_MESSAGE = 2000


@dataclass(slots=True, kw_only=True)
class Progress:
    """Counts of lines. `total` is None until the input was read through; `done` counts lines that were answered."""

    total: int | None = None
    done: int = 0
    quarantined: int = 0

    @property
    def finished(self) -> int:
        """Lines that need no further work."""
        return self.done + self.quarantined

    def counts(self) -> dict[str, int | None]:
        """The counts under the names of the InferenceDeployment's `status.batch`."""
        return {"total": self.total, "done": self.done, "quarantined": self.quarantined}

    def termination_message(self, outcome: str, message: str = "") -> bytes:
        """Counts, how it ended, and why."""
        return orjson.dumps({**self.counts(), "outcome": outcome, "message": message[:_LONGEST_MESSAGE]})

    def registry(self) -> CollectorRegistry:
        """Metrics that read these counts whenever they are asked."""
        registry = CollectorRegistry()
        known = Gauge("inferfleet_batch_lines", "Lines of the input; 0 until it was read through.", registry=registry)
        known.set_function(lambda: self.total or 0)
        done = Gauge("inferfleet_batch_lines_done", "Lines answered by the engine.", registry=registry)
        done.set_function(lambda: self.done)
        bad = Gauge("inferfleet_batch_lines_quarantined", "Lines that could not be done.", registry=registry)
        bad.set_function(lambda: self.quarantined)
        return registry


def write_progress(path: Path, progress: Progress) -> None:
    """Replace the progress file in one step, so that readers never see half of it."""
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(orjson.dumps(progress.counts()))
    part.replace(path)


def write_termination_message(path: Path, message: bytes) -> None:
    """Write the termination message where Kubernetes reads it; outside a pod there is no such file."""
    if path.exists() and os.access(path, os.W_OK):
        path.write_bytes(message)
