"""The deadline of a batch: what is left until then, and what is said when it has passed.

In: a demand and the time. Out: hours and words. A deadline counts from the creation of the InferenceDeployment, so time
spent waiting for money or GPUs is spent. Must not know prices or pools.
"""

from datetime import datetime, timedelta

from inferfleet.api.reasons import ReadyReason
from inferfleet.domain.demand import Demand, Holding


def hours_left(demand: Demand, now: datetime | None) -> float | None:
    """Return the hours until the deadline, negative afterwards; None where there is none, or no clock."""
    deadline = demand.deadline
    return None if deadline is None or now is None else (deadline - now) / timedelta(hours=1)


def duration_text(hours: float) -> str:
    """Write hours in the unit that shows them: '45 s', '12 min', '1.8 h'."""
    seconds = hours * 3600
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{hours:.1f} h"


def overdue(demand: Demand, holding: Holding | None, now: datetime | None) -> tuple[ReadyReason, str] | None:
    """Refuse to start a batch whose deadline has passed; one that was started is ended by its Job."""
    deadline, started = demand.deadline, holding is not None and bool(holding.placements)
    if deadline is None or now is None or now < deadline or started:
        return None
    assert demand.spec.batch is not None
    return (
        ReadyReason.DEADLINE_EXCEEDED,
        f"spec.batch.deadlineSeconds: {demand.spec.batch.deadline_seconds} s after creation was "
        f"{deadline:%Y-%m-%d %H:%M:%S} UTC, and nothing had been started by then; extend it to try again",
    )
