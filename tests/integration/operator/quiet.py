"""What the operator wrote, and waiting until it writes no more: wording and counts follow a few seconds after Ready."""

from __future__ import annotations

import time

from tests.controlplane import ControlPlane
from tests.controlplane.audit import Write
from tests.controlplane.waiting import eventually

# Counts and wording are written at most every five seconds.
QUIET_SECONDS = 8


def ours(writes: list[Write]) -> list[tuple[str, str, str]]:
    """Writes of the operator besides its Lease."""
    return [
        (write.verb, write.target, write.name)
        for write in writes
        if "inferfleet" in write.user_agent and write.resource != "leases"
    ]


def wait_until_quiet(cluster: ControlPlane) -> None:
    """Wait until no operator has written for a while."""
    state = (cluster.audit_position(), time.monotonic())

    def unchanged() -> bool:
        nonlocal state
        if ours(cluster.writes(after=state[0])):
            state = (cluster.audit_position(), time.monotonic())
        return time.monotonic() - state[1] > QUIET_SECONDS

    eventually(unchanged, 90, interval=0.5)
