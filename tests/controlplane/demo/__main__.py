"""`python -m tests.controlplane.demo [--once | --down]`: what `make demo` and `make demo-down` call.

In: arguments. Out: an exit code: 0 when all is as it should be, 1 otherwise.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.controlplane.demo.lifetime import take_down
from tests.controlplane.demo.progress import console
from tests.controlplane.demo.run import Demo


def main(arguments: list[str]) -> int:
    """Run the demo, or end the one that runs."""
    parser = argparse.ArgumentParser(prog="python -m tests.controlplane.demo", description=__doc__)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--once", action="store_true", help="end after the story instead of running until Ctrl-C")
    mode.add_argument("--down", action="store_true", help="end the demo that runs in this directory")
    parser.add_argument("--directory", type=Path, default=Path(".demo"), help="what other terminals need is put here")
    given = parser.parse_args(arguments)
    out = console()
    if given.down:
        try:
            out.print(take_down(given.directory))
        except AssertionError as error:
            out.print(f"[red]{error}[/]")
            return 1
        return 0
    return Demo(out, given.directory, given.once).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
