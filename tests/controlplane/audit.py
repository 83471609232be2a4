"""Every write that someone other than Kubernetes has made, from the API server's audit log.

In: the log of a control plane. Out: writes in the order in which they were answered. The log is written before the
answer is sent, so whatever a client has been told about is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One answered write: who, what, to which object, and the HTTP status."""

    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    status: int
    user_agent: str

    @property
    def target(self) -> str:
        """The resource as in RBAC rules: `deployments`, or `inferencedeployments/status`."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def read_writes(log: Path, *, after: int = 0) -> list[Write]:
    """Return the writes of an audit log from byte `after` on. A line that is still being written is left for later."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(after)
        lines = file.read().split(b"\n")[:-1]
    return [_write(orjson.loads(line)) for line in lines]


def _write(event: dict[str, Any]) -> Write:
    target = event.get("objectRef", {})
    return Write(
        user=event["user"]["username"],
        verb=event["verb"],
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        status=event.get("responseStatus", {}).get("code", 0),
        user_agent=event.get("userAgent", ""),
    )
