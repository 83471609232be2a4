"""What happened when, from the API server's audit log: no measuring client loads the server or the machine.

In: the log of writes of a control plane. Out: answered writes with the time of the request and of the answer, in
seconds since the epoch.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

OPERATOR = "inferfleet"
BARE = "bare-writer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One answered write."""

    asked: float
    answered: float
    verb: str
    target: str
    namespace: str
    name: str
    code: int
    agent: str

    @property
    def succeeded(self) -> bool:
        """Whether the write was accepted."""
        return self.code < 400


def read_entries(log: Path, *, after: int = 0) -> list[Entry]:
    """Read the log from byte `after` on; a line that is still being written is left out."""
    with log.open("rb") as file:
        file.seek(after)
        lines = file.read().split(b"\n")[:-1]
    return [_entry(line) for line in lines]


class Tail:
    """Counts writes of a growing log, reading every byte once: looking costs the measured machine next to nothing."""

    def __init__(self, log: Path, after: int) -> None:
        """Begin at byte `after` of the log."""
        self._log = log
        self._position = after
        self._count = 0

    def count(self, wanted: Callable[[Entry], bool]) -> int:
        """Return how many writes since the beginning were wanted; the same question is asked every time."""
        with self._log.open("rb") as file:
            file.seek(self._position)
            complete = file.read().rpartition(b"\n")[0]
        if complete:
            self._position += len(complete) + 1
            self._count += sum(wanted(_entry(line)) for line in complete.split(b"\n"))
        return self._count


def by_agent(entries: Iterable[Entry], agent: str) -> list[Entry]:
    """Keep the writes of one client besides leader election."""
    return [entry for entry in entries if agent in entry.agent and entry.target != "leases"]


def counts(entries: Iterable[Entry]) -> dict[str, int]:
    """Count writes by verb and resource, most first; refused ones carry their code."""
    names = (f"{entry.verb} {entry.target}" + ("" if entry.succeeded else f" ({entry.code})") for entry in entries)
    return dict(Counter(names).most_common())


def span(entries: Iterable[Entry]) -> float:
    """Seconds from the first request to the last answer."""
    items = list(entries)
    return max(entry.answered for entry in items) - min(entry.asked for entry in items)


def delays(entries: list[Entry], begins: Callable[[Entry], bool], ends: Callable[[Entry], bool]) -> list[float]:
    """Seconds from the answer to one kind of write to the answer to another of the same name, sorted."""
    started = {entry.name: entry.answered for entry in entries if begins(entry)}
    ended = {entry.name: entry.answered for entry in entries if ends(entry)}
    return sorted(ended[name] - started[name] for name in ended.keys() & started.keys())


def quantile(values: list[float], share: float) -> float:
    """Return the value below which this share of a sorted list lies (nearest rank)."""
    return values[min(len(values) - 1, int(share * len(values)))]


def _entry(line: bytes) -> Entry:
    event = orjson.loads(line)
    target = event.get("objectRef", {})
    resource, part = target.get("resource", ""), target.get("subresource", "")
    return Entry(
        asked=_seconds(event["requestReceivedTimestamp"]),
        answered=_seconds(event["stageTimestamp"]),
        verb=event["verb"],
        target=f"{resource}/{part}" if part else resource,
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        agent=event.get("userAgent", ""),
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
