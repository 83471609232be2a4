"""Every command in README.md and docs/*.md is typed as it stands, in the page's order, and does what the page says.

How to write a page so that it is tested:

* Commands stand in ```console blocks behind `$ `; they go on after a trailing backslash, or in lines behind `> `.
  What follows up to the next `$ ` is what it prints: that text must be in what it really prints, in that order. Blanks
  and line breaks do not matter, and `...` stands for anything, so an excerpt is written with `...` where something is
  left out. A command without text below it only has to succeed.
* A page says once, above its first block, where it is typed (each page gets its own):
      <!-- console: no cluster -->       kubectl, helm and inferfleet are there, KUBECONFIG is empty
      <!-- console: empty cluster -->    a cluster with one node and nothing of Inferfleet in it
      <!-- console: demo -->             what `make demo` sets up: nodes, chart, operator, examples, all answered
  The directory is the repository's root. Exported variables and `cd` last until the end of the page.
* The operator answers a moment after a change: let the reader wait too (`kubectl wait`, `kubectl rollout status`).
* A command that ends with another status than 0 is the last of its block, and says so directly above the block:
      <!-- exit status: 1 -->
* A block that cannot be run says why directly above it, and the reason is true on every machine:
      <!-- not run: it needs a registry to push an image to -->
  What the README shows of `make demo` is compared in `tests/integration/demo`, which runs it.
* ```sh and its like are refused, for nobody would run them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.controlplane import hardware, nodes
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.demo.scene import running_world
from tests.controlplane.demo.terminal import Terminal
from tests.controlplane.demo.world import ROOT
from tests.integration.docs.console_blocks import Command, Place, missing, read_page

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@contextmanager
def terminal_in(place: Place, directory: Path) -> Iterator[Terminal]:
    """Open a terminal where a page says that its commands are typed."""
    match place:
        case Place.NO_CLUSTER:
            yield Terminal.without_cluster(directory)
        case Place.EMPTY_CLUSTER:
            with ControlPlane.start() as cluster:
                nodes.scale_pool(cluster, nodes.Pool(name="any", gpu=hardware.L40S, tainted=False), 1)
                yield Terminal.on(cluster, directory)
        case Place.DEMO:
            with running_world() as world:
                yield Terminal.on(world.cluster, directory)


def check(page: Path, terminal: Terminal, command: Command) -> None:
    """Type one command and compare."""
    printed = terminal.run(command.text)
    where = f"{page.relative_to(ROOT)}:{command.line}: $ {command.text}"
    assert printed.status == command.status, (
        f"{where}\nended with {printed.status}, not {command.status}\n{printed.text}"
    )
    absent = missing(command.shown, printed.text)
    assert absent is None, f"{where}\ndid not print\n{absent}\nbut\n{printed.text}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    read = read_page(page.read_text())
    if read.place is None:
        return  # nothing to type on this page
    with terminal_in(read.place, tmp_path) as terminal:
        for command in read.commands:
            if not command.not_run:
                check(page, terminal, command)
