"""The commands of a page: what is typed, what is printed then, and where the page says it is typed.

In: Markdown. Out: `Page`, or PageError for a page that leaves something open. How such blocks are written is described
in `test_documented_commands.py`. Must not run anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum


class PageError(ValueError):
    """A page that cannot be tested as it is written; the message names the line and what would do."""


class Place(StrEnum):
    """Where the commands of a page run."""

    DEMO = "demo"
    EMPTY_CLUSTER = "empty cluster"
    NO_CLUSTER = "no cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command with the text that the page shows below it, the exit status, and why it is not run if it is not."""

    line: int
    text: str
    shown: str = ""
    status: int = 0
    not_run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The commands of one page in their order. A page without commands to run needs no place."""

    place: Place | None
    commands: tuple[Command, ...]


_FENCE = re.compile(r"^\s*```(\w*)\s*$")
_REMARK = re.compile(r"^\s*<!-- (console|not run|exit status): (.+?) -->\s*$")
_SHELLS = ("sh", "bash", "shell", "zsh")


def read_page(markdown: str) -> Page:
    """Read a page. Raises PageError for blocks that would escape the test and for a page that names no place."""
    place: Place | None = None
    commands: list[Command] = []
    remarks: dict[str, str] = {}
    lines = markdown.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if remark := _REMARK.match(line):
            remarks[remark[1]] = remark[2]
            place = _place(number, remarks.pop("console")) if "console" in remarks else place
        elif fence := _FENCE.match(line):
            end = _end_of_block(lines, number)
            if fence[1] in _SHELLS:
                raise PageError(f"line {number}: ```{fence[1]} is never run; write ```console and `$ ` before commands")
            if fence[1] == "console":
                reason, status = remarks.get("not run", ""), _status(number, remarks)
                found = _commands(lines[number:end], number + 1, status)
                commands += [replace(command, not_run=reason) for command in found]
            remarks, number = {}, end + 1
        elif line.strip():
            remarks = {}
    run = [command for command in commands if not command.not_run]
    if run and place is None:
        raise PageError(f"line {run[0].line}: say where: <!-- console: {' | '.join(Place)} --> above the block")
    return Page(place=place, commands=tuple(commands))


def missing(shown: str, printed: str) -> str | None:
    """Return the words of a page up to the first that was not printed so, None when all were, in that order.

    Line breaks and runs of blanks do not matter; `...` stands for anything.
    """
    rest = " ".join(printed.split())
    for part in re.split(r"\s*(?:\.\.\.|…)\s*", " ".join(shown.split())):
        where = rest.find(part)
        if where < 0:
            return _up_to_difference(part, rest)
        rest = rest[where + len(part) :]
    return None


def _up_to_difference(part: str, printed: str) -> str:
    words = part.split(" ")
    known = next(count for count in range(len(words)) if " ".join(words[: count + 1]) not in printed)
    return " ".join(words[: known + 1])


def _commands(block: list[str], first_line: int, status: int) -> list[Command]:
    """Split a block at its prompts; the stated exit status is that of the last command."""
    typed: list[tuple[int, list[str], list[str]]] = []
    for number, line in enumerate(block, start=first_line):
        text = line.strip() if not typed else line.strip("\n")
        if line.lstrip().startswith("$ "):
            typed.append((number, [line.lstrip().removeprefix("$ ")], []))
        elif not typed:
            if text:
                raise PageError(f"line {number}: a console block begins with `$ ` and a command, not with {text!r}")
        elif line.startswith("> ") or (typed[-1][1][-1].endswith("\\") and not typed[-1][2]):
            typed[-1][1].append(line.removeprefix("> "))
        else:
            typed[-1][2].append(line)
    found = [Command(line=number, text="\n".join(words), shown="\n".join(output)) for number, words, output in typed]
    if found and status:
        found[-1] = replace(found[-1], status=status)
    return found


def _end_of_block(lines: list[str], start: int) -> int:
    for number in range(start, len(lines)):
        if lines[number].strip() == "```":
            return number
    raise PageError(f"line {start}: the block is never closed")


def _place(number: int, text: str) -> Place:
    try:
        return Place(text)
    except ValueError:
        raise PageError(f"line {number}: console: {text!r}; expected {', '.join(Place)}") from None


def _status(number: int, remarks: dict[str, str]) -> int:
    try:
        return int(remarks.get("exit status", "0"))
    except ValueError:
        raise PageError(f"line {number}: exit status: {remarks['exit status']!r}; expected a number") from None
