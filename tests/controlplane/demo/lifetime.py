"""Where a running demo leaves its traces, so that another terminal can use it and end it.

In: a directory (`.demo/` unless told otherwise). Out: a lock that is held exactly as long as the demo lives, the files
that a second terminal needs, and the end of it all. The control plane's own files and processes end with the process
that started them, however it ends; only this directory may be left behind, and `take_down` removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.controlplane.cluster import Cluster
from tests.controlplane.waiting import eventually

_END_SECONDS = 60.0


class DemoRunningError(RuntimeError):
    """A demo of this directory is running already."""


@contextlib.contextmanager
def claim(directory: Path) -> Iterator[None]:
    """Hold the directory for this process; it is removed at the end. Raises DemoRunningError when somebody has it."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoRunningError(f"a demo is running already (process {_holder(directory)})") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def publish(directory: Path, cluster: Cluster) -> Path:
    """Write what another terminal needs, as a file to be sourced: KUBECONFIG, and the programs on PATH."""
    kubeconfig, programs = directory / "kubeconfig", directory / "bin"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(cluster.kubeconfig.read_text())
    programs.mkdir(exist_ok=True)
    wanted = {name: cluster.programs / name for name in ("kubectl", "helm")}
    for name, target in {**wanted, "inferfleet": Path(sys.executable).with_name("inferfleet")}.items():
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to(target)
    environment = directory / "env"
    environment.write_text(
        f"export KUBECONFIG={shlex.quote(str(kubeconfig.absolute()))}\n"
        f'export PATH={shlex.quote(str(programs.absolute()))}:"$PATH"\n'
    )
    return environment


def take_down(directory: Path) -> str:
    """End the demo of a directory and remove what it left; return what was done. Raises AssertionError if it stays."""
    if not directory.exists():
        return "no demo is running"
    if not _is_held(directory):
        shutil.rmtree(directory, ignore_errors=True)
        return "no demo is running; removed what one had left"
    process = _holder(directory)
    os.kill(process, signal.SIGTERM)
    eventually(lambda: not _is_held(directory), _END_SECONDS, describe=f"the end of the demo (process {process})")
    shutil.rmtree(directory, ignore_errors=True)
    return f"ended the demo (process {process})"


def _holder(directory: Path) -> int:
    """Return the id of the process that wrote it last; it holds the lock a moment before it has written."""
    return eventually(lambda: int((directory / "lock").read_text()), 5, describe="the id of the demo's process")


def _is_held(directory: Path) -> bool:
    try:
        with (directory / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
