"""Starts, stops, pauses and restarts the programs of one control plane, none of which outlives the parent.

In: argument lists. Out: running processes with a log file each. All of them share one process group, which `guard.py`
kills when this process ends for whatever reason.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_GUARD = Path(__file__).with_name("guard.py")


class ProcessEndedError(RuntimeError):
    """A program that should be running has ended; the message carries the end of its log."""


@dataclass(slots=True, kw_only=True)
class _Program:
    argv: list[str]
    environment: dict[str, str]
    process: subprocess.Popen[bytes]


@dataclass(slots=True)
class Processes:
    """The programs of one control plane, by name. `directory` is removed when they end."""

    directory: Path
    _programs: dict[str, _Program] = field(default_factory=dict)
    _guard: subprocess.Popen[bytes] | None = None
    _group: int = 0

    def start(self, name: str, argv: list[str], *, environment: dict[str, str] | None = None) -> None:
        """Start a program in the guarded group; its output goes to `<name>.log`.

        `environment` is the whole environment of the program; absent, it is that of this process.
        """
        if self._guard is None:
            self._start_guard()
        full = dict(os.environ) if environment is None else environment
        self._programs[name] = _Program(argv=argv, environment=full, process=self._spawn(name, argv, full))

    def restart(self, name: str) -> None:
        """Kill a program without warning (as a crash would) and start it again with the same arguments."""
        program = self._programs[name]
        program.process.kill()
        program.process.wait()
        program.process = self._spawn(name, program.argv, program.environment)

    def kill(self, name: str) -> None:
        """End a program without warning, until `restart`."""
        program = self._programs[name]
        program.process.kill()
        program.process.wait()

    def end(self, name: str, how: signal.Signals = signal.SIGTERM, *, timeout: float = 60.0) -> int:
        """Signal a program, wait at most `timeout` seconds for its end, forget it and return its exit code."""
        process = self._programs[name].process
        process.send_signal(how)
        code = process.wait(timeout)
        del self._programs[name]
        return code

    def pause(self, name: str) -> None:
        """Freeze a program: its connections stay open and nothing answers."""
        self._programs[name].process.send_signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a frozen program go on."""
        self._programs[name].process.send_signal(signal.SIGCONT)

    def check(self) -> None:
        """Raise ProcessEndedError when a program has ended."""
        for name, program in self._programs.items():
            code = program.process.poll()
            if code is not None:
                raise ProcessEndedError(f"{name} ended with {code}:\n{self.log_tail(name)}")

    def log_tail(self, name: str, lines: int = 30) -> str:
        """Return the last lines that a program has written."""
        path = self.directory / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def process_ids(self) -> dict[str, int]:
        """Return the process id of every running program, by name."""
        return {name: program.process.pid for name, program in self._programs.items()}

    def stop(self) -> None:
        """End everything; the directory is gone afterwards. Safe to call twice."""
        if self._guard is None:
            shutil.rmtree(self.directory, ignore_errors=True)
            return
        guard, self._guard = self._guard, None
        with contextlib.suppress(BrokenPipeError):
            _pipe(guard.stdin).close()
        for program in self._programs.values():
            program.process.wait()
        self._programs.clear()
        guard.wait()
        _pipe(guard.stdout).close()

    def _start_guard(self) -> None:
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        self._group = int(_pipe(self._guard.stdout).readline())

    def _spawn(self, name: str, argv: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.directory / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                env=environment,
                process_group=self._group,
            )


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the guard was started without pipes")
    return stream
