"""The demo from beginning to end: start, set up, wait, tell, stay, clean up.

In: a directory for what another terminal needs. Out: text, and an exit code. Whatever goes wrong is said together with
the end of the operator's log, and nothing stays behind.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import urllib3
from rich.console import Console
from rich.markup import escape

from tests.controlplane import build
from tests.controlplane.cluster import Cluster, CommandFailedError
from tests.controlplane.demo import world as setup
from tests.controlplane.demo.answers import problems, wait_for_answers
from tests.controlplane.demo.ground import OccupiedClusterError, ground, ground_name
from tests.controlplane.demo.lifetime import DemoRunningError, claim, publish
from tests.controlplane.demo.next_steps import next_steps
from tests.controlplane.demo.progress import Progress
from tests.controlplane.demo.story import Story
from tests.controlplane.objects import ApiError
from tests.controlplane.processes import ProcessEndedError

_LOG_LINES = 30
_FAILURES = (
    ApiError,
    AssertionError,
    CommandFailedError,
    LookupError,
    ProcessEndedError,
    subprocess.SubprocessError,
    urllib3.exceptions.HTTPError,
)
"""What may go wrong once there is a cluster: an answer that does not come is an AssertionError of `eventually`."""


class InterruptedDemo(BaseException):
    """Somebody pressed Ctrl-C or sent SIGTERM."""


@dataclass(frozen=True, slots=True)
class Demo:
    """One run of the demo. `once`: end after the story instead of staying."""

    console: Console
    directory: Path
    once: bool

    def run(self) -> int:
        """Return 0 when everything is as it should be and 1 otherwise; the reason has been printed then."""
        with _signals():
            try:
                with claim(self.directory):
                    return self._run()
            except DemoRunningError as error:
                self.console.print(f"[red]{escape(str(error))}[/]; `make demo-down` ends it")
                return 1
            except (build.BuildError, OccupiedClusterError, FileNotFoundError) as error:
                self.console.print(f"[red]there is no cluster for the demo[/]: {escape(str(error))}")
                return 1
            except InterruptedDemo:
                self.console.print("\ninterrupted before the story was told; everything is removed again")
                return 1

    def _run(self) -> int:
        progress = Progress(self.console)
        with progress.step("finding the control plane's programs, or building them (once)", spinner=False):
            programs = build.programs_directory()
            progress.note(str(programs))
        with contextlib.ExitStack() as stack:
            with progress.step(ground_name()):
                cluster = stack.enter_context(ground())
            try:
                return self._play(cluster, progress, stack)
            except _FAILURES as error:
                self._explain(cluster, error)
                return 1

    def _play(self, cluster: Cluster, progress: Progress, stack: contextlib.ExitStack) -> int:
        with progress.step("creating simulated GPU nodes for the pools of examples/"):
            world = setup.make_fleet(cluster)
            stack.enter_context(setup.simulated_engines(cluster))
        with progress.step("helm install: the chart's CRDs, service account and roles"):
            setup.install_chart(cluster)
        with progress.step("starting the operator with the rights of the chart's service account"):
            setup.start_operator(cluster)
        with progress.step("platform team: kubectl apply of the pools and the budget"):
            setup.apply_platform(cluster)
        with progress.step("ML team: kubectl apply -f examples/, then waiting for each answer"):
            setup.apply_examples(cluster)
            wait_for_answers(cluster, progress.note)
        with progress.step("checking that everything is as the operator says"):
            wrong = problems(world)
        Story(self.console, world).tell()
        for problem in wrong:
            self.console.print(f"[red]not as it should be[/]: {escape(problem)}")
        if wrong:
            self._show_log(cluster)
        self._invite(cluster)
        if not self.once:
            self._stay(cluster)
        return 1 if wrong else 0

    def _invite(self, cluster: Cluster) -> None:
        """Say how to go on from another terminal."""
        environment = publish(self.directory, cluster)
        self.console.print()
        when = "in a demo that stays: without --once" if self.once else "in another terminal, from this directory"
        self.console.rule(f"[bold]Try next[/] ({when})", align="left", style="dim")
        self.console.print(f"kubeconfig: {self.directory / 'kubeconfig'}")
        self.console.out(f"  source {environment}")
        for step in next_steps(cluster):
            self.console.print(f"\n{step.title}: {escape(step.shows)}")
            for command in step.commands:
                self.console.out(f"  {command}")
            for command in step.undo:
                self.console.out(f"  {command}    # undo")

    def _stay(self, cluster: Cluster) -> None:
        """Keep everything running until a signal comes. Raises ProcessEndedError when a program ends by itself."""
        self.console.print("\n[bold]Running until Ctrl-C[/] (or `make demo-down` in another terminal).")
        with contextlib.suppress(InterruptedDemo):
            while True:
                threading.Event().wait(1.0)
                cluster.processes.check()
        self.console.print("\nstopping; everything is removed again")

    def _explain(self, cluster: Cluster, error: Exception) -> None:
        self.console.print("[red]failed[/]:")
        self.console.out(str(error))
        if not isinstance(error, ProcessEndedError):  # its message ends with a log already
            self._show_log(cluster)

    def _show_log(self, cluster: Cluster) -> None:
        log = cluster.processes.log_tail("operator", _LOG_LINES)
        self.console.print(f"the operator's last {_LOG_LINES} lines:" if log else "the operator has logged nothing")
        self.console.out(log)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM into InterruptedDemo; those that follow must not cut the cleaning up short."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise InterruptedDemo

    former = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
