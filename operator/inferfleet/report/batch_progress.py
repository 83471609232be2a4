"""How far a batch is, from the termination messages of its workers.

In: the stored progress and an `Observation`. Out: `status.batch`. The worker leaves its counts as JSON in the
termination message of its container; while it runs the stored counts stay. Must not call the worker.
"""

from typing import Any

import orjson

from inferfleet.api.v1alpha1 import BatchStatus
from inferfleet.report.observation import Observation

WORKER_CONTAINER = "worker"
# The largest count that the status may hold (its schema's bound). The counts come from a pod of the tenant: one absurd
# number must not make every later write of the status invalid.
_MOST = 2**53 - 1


def batch_status(previous: BatchStatus | None, seen: Observation) -> BatchStatus:
    """Return the progress; counts never go back, because finished lines are kept."""
    before = previous or BatchStatus(total=seen.spec.batch.requests if seen.spec and seen.spec.batch else None)
    counts = [found for pod in seen.pods for found in _termination_messages(pod.containers)]
    done = max([before.done, *(_number(item, "done") for item in counts)])
    quarantined = max([before.quarantined, *(_number(item, "quarantined") for item in counts)])
    totals = [_number(item, "total") for item in counts if item.get("total") is not None]
    return before.model_copy(
        update={"total": max(totals) if totals else before.total, "done": done, "quarantined": quarantined}
    )


def _termination_messages(containers: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a tuple of container facts
    found = []
    for container in containers:
        if container.name != WORKER_CONTAINER:
            continue
        for text in (container.message, container.last_message):
            message = _parse(text)
            if message is not None:
                found.append(message)
    return found


def _parse(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return message if isinstance(message, dict) else None


def _number(message: dict[str, Any], name: str) -> int:
    value = message.get(name)
    return min(value, _MOST) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
