"""The progress of a batch, from the termination messages of its workers.

In: the stored progress and an `Observation`. Out: `status.batch`. A worker leaves its counts there as JSON when it
ends; while it runs, the stored counts stay. Must not call the worker.
"""

from typing import Any

import orjson

from inferfleet.api.v1alpha1 import BatchStatus
from inferfleet.domain.children import WORKER_CONTAINER
from inferfleet.domain.observed import ContainerFacts
from inferfleet.report.observation import Observation

# The largest count that the status may hold (its schema's bound). It comes from a pod of the tenant: one absurd number
# must not make every later write of the status invalid.
_MOST = 2**53 - 1


def batch_status(previous: BatchStatus | None, seen: Observation) -> BatchStatus:
    """Return the progress; counts never go back, because finished lines are kept."""
    before = previous or BatchStatus(total=seen.spec.batch.requests if seen.spec and seen.spec.batch else None)
    counts = [found for pod in seen.pods for found in _worker_counts(pod.containers)]
    done = max([before.done, *(_number(item, "done") for item in counts)])
    quarantined = max([before.quarantined, *(_number(item, "quarantined") for item in counts)])
    totals = [_number(item, "total") for item in counts if item.get("total") is not None]
    return before.model_copy(
        update={"total": max(totals) if totals else before.total, "done": done, "quarantined": quarantined}
    )


def _worker_counts(containers: tuple[ContainerFacts, ...]) -> list[dict[str, Any]]:
    """Return the counts that workers left, of this run and the one before it."""
    texts = [
        text
        for container in containers
        if container.name == WORKER_CONTAINER
        for text in (container.message, container.last_message)
    ]
    return [counts for text in texts if (counts := _parse(text)) is not None]


def _parse(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        counts = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return counts if isinstance(counts, dict) else None


def _number(counts: dict[str, Any], name: str) -> int:
    value = counts.get(name)
    return min(value, _MOST) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
