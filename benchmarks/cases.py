"""Reading the cases of a benchmark from a CSV file, and naming what cannot be read.

In: a CSV file as spreadsheets and scripts write it (byte order mark, CRLF, blanks around cells, short lines). Out: rows
of text, and numbers read from their cells. A file that is no list of cases raises `CasesError`, a cell that means
nothing `CellError`: the first ends the run, the second leaves one row without an answer.
"""

import csv
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

Row = Mapping[str, str]
Answer = TypeVar("Answer")

# No column holds more; beyond it products leave the range of a float.
LARGEST = 1e12
SHOWN_CHARACTERS = 40
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no"})


class CasesError(ValueError):
    """The file cannot be read as cases."""


class CellError(ValueError):
    """A cell that cannot be understood: the message names its column, its value and what is accepted."""

    def __init__(self, column: str, value: str, accepted: str) -> None:
        """Keep the message; a long value is cut."""
        shown = value if len(value) <= SHOWN_CHARACTERS else f"{value[:SHOWN_CHARACTERS]}..."
        super().__init__(f"{column} is {shown!r}; accepted: {accepted}")


def read_rows(path: Path, *, required: Sequence[str]) -> list[Row]:
    """Return the rows of a CSV file in order, each with every column of the header; cells a line lacks are blank.

    Raises CasesError, naming the file and what is missing: the file, a required column, or any case at all.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header, *lines = [[cell.strip() for cell in line] for line in csv.reader(file) if line] or [[]]
    except OSError as error:
        raise CasesError(f"{path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CasesError(f"{path}: not a CSV file in UTF-8: {error}") from error
    missing = [column for column in required if column not in header]
    if header and missing:
        raise CasesError(f"{path}: columns missing: {', '.join(missing)}")
    if not lines:
        raise CasesError(f"{path}: no cases; expected a header with {', '.join(required)} and a line per case")
    blank = dict.fromkeys(header, "")
    return [{**blank, **dict(zip(header, line, strict=False))} for line in lines]


def answer_rows(rows: Iterable[Row], answer: Callable[[Row], Answer]) -> list[Answer | None]:
    """Answer row by row; a row that raises ValueError has no answer and one line on standard error that says why."""

    def one(row: Row) -> Answer | None:
        try:
            return answer(row)
        except ValueError as error:
            print(f"{row['case_id'] or 'a row without case_id'}: {error}", file=sys.stderr)
            return None

    return [one(row) for row in rows]


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Row], cells: Iterable[Sequence[str]]) -> None:
    """Write a line per row, in their order: its case_id, then its cells. Raises OSError."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows((row["case_id"], *found) for row, found in zip(rows, cells, strict=True))


def exit_status(run: Callable[[], None]) -> int:
    """Run a benchmark over its files; return 0, or 2 after saying which file cannot be used and why."""
    try:
        run()
    except (CasesError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def number(row: Row, column: str) -> float | None:
    """Return the number above 0 in a cell, None for a blank cell or a column that is not there. Raises CellError."""
    text = row.get(column, "")
    value = _float(text)
    if text and (value is None or not 0 < value <= LARGEST):
        raise CellError(column, text, "a number above 0")
    return value


def whole(row: Row, column: str, *, least: int = 1) -> int | None:
    """Return the whole number in a cell (`8192.0` is 8192), None for a blank cell. Raises CellError below `least`."""
    text = row.get(column, "")
    value = _float(text)
    if text and (value is None or not value.is_integer() or not least <= value <= LARGEST):
        raise CellError(column, text, f"a whole number of at least {least}")
    return None if value is None else int(value)


def flag(row: Row, column: str) -> bool:
    """Return whether a cell says true; a blank one says false. Raises CellError."""
    text = row.get(column, "").casefold()
    if text and text not in _TRUE | _FALSE:
        raise CellError(column, row[column], "true or false")
    return text in _TRUE


def measured(row: Row, column: str) -> float | None:
    """Return a finite number above 0 from a column of answers, None for anything else: answers never stop a run."""
    value = _float(row.get(column, ""))
    return value if value is not None and value > 0 else None


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
