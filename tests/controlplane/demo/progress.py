"""Says what the demo does while it does it: a spinner for people at a terminal, plain lines for everything else.

In: steps. Out: lines on standard output. Must not decide what is done.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape

_PLAIN_WIDTH = 140


def console() -> Console:
    """Return standard output as rich sees it; wide enough for tables where it is no terminal."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)


@dataclass(slots=True)
class Progress:
    """The steps of one run."""

    console: Console
    started: float = field(default_factory=time.monotonic)

    @contextlib.contextmanager
    def step(self, what: str, *, spinner: bool = True) -> Iterator[None]:
        """Announce a step, and say how long it took; `spinner=False` where others write to the terminal meanwhile."""
        begun = time.monotonic()
        if self.console.is_terminal and spinner:
            with self.console.status(escape(what)):
                yield
            self.console.print(f"[green]✓[/] {escape(what)} [dim]{time.monotonic() - begun:.1f} s[/]")
            return
        self.console.print(f"==> {escape(what)}")
        yield
        self.console.print(f"    done in {time.monotonic() - begun:.1f} s")

    def note(self, line: str) -> None:
        """Say something within a step."""
        self.console.print(f"    {escape(line)}")
