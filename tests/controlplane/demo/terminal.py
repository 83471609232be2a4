"""A terminal as the demo and the documentation assume it: bash in the repository's root, with the cluster at hand.

In: commands. Out: what they print and how they end. Exported variables and the directory last from one command to the
next. KUBECONFIG is the given one or none at all, never the user's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.controlplane import build
from tests.controlplane.cluster import Cluster
from tests.controlplane.demo.lifetime import publish
from tests.controlplane.demo.world import ROOT

_COMMAND_SECONDS = 180.0
_SCRIPT = """set -o pipefail
. "$TERMINAL_STATE"
{command}
status=$?
{{ export -p; printf 'cd %q\\n' "$PWD"; }} > "$TERMINAL_STATE"
exit $status
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a command printed on standard output and standard error together, and its exit status."""

    status: int
    text: str


@dataclass(slots=True, kw_only=True)
class Terminal:
    """One terminal. `directory` is for its own files."""

    directory: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def on(cls, cluster: Cluster, directory: Path) -> Terminal:
        """Open a terminal in which `source .demo/env` was typed."""
        terminal = cls._opened(directory, f". '{publish(directory, cluster)}'\n")
        terminal.environment["KUBECONFIG"] = str(directory / "kubeconfig")
        return terminal

    @classmethod
    def without_cluster(cls, directory: Path) -> Terminal:
        """Open a terminal that knows the programs and no cluster."""
        return cls._opened(directory, f"export PATH='{build.programs_directory()}':\"$PATH\"\n")

    @classmethod
    def _opened(cls, directory: Path, beginning: str) -> Terminal:
        (directory / "home").mkdir(parents=True, exist_ok=True)
        state = directory / "terminal"
        state.write_text(beginning)
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(directory / "home"),
            "KUBECONFIG": os.devnull,
            "TERMINAL_STATE": str(state),
            "COLUMNS": "160",
            "LC_ALL": "C.UTF-8",
        }
        return cls(directory=directory, environment=environment)

    def run(self, command: str) -> Printed:
        """Run one command, at most three minutes."""
        done = subprocess.run(
            ["bash", "-c", _SCRIPT.format(command=command)],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        return Printed(status=done.returncode, text=done.stdout)
