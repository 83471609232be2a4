"""Prints answers: a table for people, JSON or YAML for programs, all from the same values.

In: plain values (dicts, lists, strings, numbers) and a function that makes the table. Out: text on stdout. Money
arrives here as text; this file must not round anything.
"""

import sys
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

# Columns where no terminal says how wide it is: long messages then wrap into few lines, and numbers never do.
WIDTH_WITHOUT_TERMINAL = 200


class OutputFormat(StrEnum):
    """How an answer is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


Output = Annotated[OutputFormat, typer.Option("--output", "-o", help="How to print the answer.")]


def emit(values: object, output: OutputFormat, table: "Callable[[], RenderableType]") -> None:
    """Print the values in the wanted form; `table` is called only for people."""
    match output:
        case OutputFormat.JSON:
            import json

            typer.echo(json.dumps(values, indent=2, ensure_ascii=False))
        case OutputFormat.YAML:
            import yaml

            class Plain(yaml.SafeDumper):
                """Writes equal parts twice instead of with anchors, which few people can read."""

                def ignore_aliases(self, data: object) -> bool:
                    """Treat no value as an alias of another."""
                    return True

            text = yaml.dump(values, Dumper=Plain, sort_keys=False, allow_unicode=True, width=120)
            typer.echo(text, nl=False)
        case OutputFormat.TABLE:
            console().print(table())


def console() -> "Console":
    """Return a console on the present stdout, as wide as the terminal, or wide enough for tables without one."""
    import os

    from rich.console import Console

    if sys.stdout.isatty() or "COLUMNS" in os.environ:
        return Console(highlight=False)
    return Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)


def note(text: str) -> None:
    """Print a remark that is not part of the answer."""
    typer.echo(f"note: {text}", err=True)
