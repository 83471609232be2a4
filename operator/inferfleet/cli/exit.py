"""The exit statuses of commands: 0 ok, 1 the answer is no, 2 bad input, 3 no cluster.

In: exceptions that a command raises. Out: text on stderr and an exit status. Must not know any command.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum

import typer


class ExitCode(IntEnum):
    """The exit statuses of every command."""

    OK = 0
    NO = 1
    BAD_INPUT = 2
    UNREACHABLE = 3


class BadInput(Exception):  # noqa: N818 - it is the input that is bad, and callers read it so
    """What was given cannot be understood; each problem names place, field, value and what would be accepted."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems: Sequence[str] = problems


class ClusterUnreachable(Exception):  # noqa: N818 - it is the cluster that is unreachable, and callers read it so
    """No answer from a Kubernetes API server, or no way to one is known."""


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn the exceptions of a command's body into messages on stderr and exit statuses."""
    try:
        yield
    except BadInput as error:
        for problem in error.problems:
            typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(ExitCode.BAD_INPUT) from error
    except ClusterUnreachable as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(ExitCode.UNREACHABLE) from error


def answer(*, yes: bool) -> None:
    """End the command with status 1 when the answer is no."""
    if not yes:
        raise typer.Exit(ExitCode.NO)
