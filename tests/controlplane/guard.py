"""Kills a group of processes and removes their directory as soon as whoever started this program is gone.

In: a directory as the only argument; standard input, whose end means that the parent ended, however it ended (SIGKILL
too: the kernel closes its pipes). Out: the process group to start children in, one line on standard output.
Must stay free of imports from this project: it is started with an isolated interpreter.
"""

import contextlib
import os
import shutil
import signal
import sys
import time


def hold_group() -> int:
    """Fork a process that does nothing but keep a process group alive; return the group's id."""
    holder = os.fork()
    if holder == 0:
        os.setpgid(0, 0)
        os.close(0)
        os.close(1)
        while True:
            signal.pause()
    with contextlib.suppress(PermissionError):
        os.setpgid(holder, holder)
    return holder


def end_group(group: int) -> None:
    """Kill every member and wait (at most five seconds) until none is left that could still write files."""
    os.killpg(group, signal.SIGKILL)
    os.waitpid(group, 0)
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.05)


def main() -> None:
    """Hold a group until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    group = hold_group()
    sys.stdout.write(f"{group}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    end_group(group)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
