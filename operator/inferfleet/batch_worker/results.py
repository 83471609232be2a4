"""Results on disk: in input order, never torn, and enough to go on after any interruption.

In: outcomes in the order of the input. Out: `NAME.jsonl` with the answers and `NAME.errors.jsonl` with the lines that
could not be done, both in OpenAI's format. While work goes on both end in `.part` and only grow; the rename of the
first says that all is there. Every record carries its line number, so the files themselves say where to go on.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

import orjson

from inferfleet.batch_worker.errors import BadInputError
from inferfleet.batch_worker.lines import BadLine, Request

_ID_PREFIX = "line-"
AnyPath = TypeVar("AnyPath", bound=PurePath)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the engine answered to a line; `body` is JSON as received."""

    number: int
    custom_id: str
    status: int
    request_id: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A line that could not be done: `code` groups, `message` explains, `status` is the engine's (None: not asked)."""

    number: int
    custom_id: str | None
    code: str
    message: str
    status: int | None = None


def errors_path(output: AnyPath) -> AnyPath:
    """Return the file beside `output` that takes the lines which could not be done."""
    return output.with_name(f"{output.name.removesuffix('.jsonl')}.errors.jsonl")


def part_path(path: Path) -> Path:
    """Return the name of a file while it grows."""
    return path.with_name(f"{path.name}.part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """How far earlier runs came: lines finished, and how many of them are quarantined."""

    lines: int
    quarantined: int


class Results:
    """Both files of one batch, open for appending."""

    def __init__(self, output: Path) -> None:
        output.parent.mkdir(parents=True, exist_ok=True)
        self._finals = (output, errors_path(output))
        self._answers: BinaryIO = part_path(output).open("ab")
        self._errors: BinaryIO = part_path(errors_path(output)).open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answers.close()
        self._errors.close()

    def write(self, outcome: Answer | Quarantined) -> None:
        """Append one record and hand it to the operating system, so that only the loss of the node can lose it."""
        file = self._answers if isinstance(outcome, Answer) else self._errors
        file.write(record(outcome) + b"\n")
        file.flush()

    def sync(self) -> None:
        """Force everything written to the disk."""
        for file in (self._answers, self._errors):
            os.fsync(file.fileno())

    def finish(self) -> None:
        """Give both files their final names; an errors file without lines is not kept, nor one of an older run."""
        self.sync()
        output, errors = self._finals
        part_path(output).replace(output)
        if self._errors.tell():
            part_path(errors).replace(errors)
        else:
            part_path(errors).unlink()
            errors.unlink(missing_ok=True)


def record(outcome: Answer | Quarantined) -> bytes:
    """Write an outcome as one line in the format of OpenAI's batch output, plus the line number in `id`."""
    if isinstance(outcome, Answer):
        response: dict[str, Any] | None = {
            "status_code": outcome.status,
            "request_id": outcome.request_id,
            "body": orjson.Fragment(outcome.body),
        }
        error = None
    else:
        response = None if outcome.status is None else {"status_code": outcome.status, "request_id": "", "body": None}
        error = {"code": outcome.code, "message": outcome.message}
    identity = f"{_ID_PREFIX}{outcome.number}"
    return orjson.dumps({"id": identity, "custom_id": outcome.custom_id, "response": response, "error": error})


def resume(output: Path, lines: Iterable[Request | BadLine]) -> Resumed:
    """Find where earlier runs stopped and cut off what came after the first gap (the node failed between two writes).

    Raises `BadInputError` when the results on disk belong to another input: their `custom_id` differ.
    """
    errors = part_path(errors_path(output))
    with _Cursor(part_path(output)) as answered, _Cursor(errors) as quarantined:
        found = _walk(answered, quarantined, lines)
        answered.cut()
        quarantined.cut()
    return found


def verify_complete(output: Path, lines: Iterable[Request | BadLine], total: int) -> Resumed:
    """Make sure that a file under the final name is the whole result of this input; nothing in it is ever changed.

    Raises `BadInputError` when it is not: it may be somebody's work.
    """
    unfinished = part_path(errors_path(output))
    errors = unfinished if unfinished.exists() else errors_path(output)
    with _Cursor(output) as answered, _Cursor(errors) as quarantined:
        found = _walk(answered, quarantined, lines)
    if found.lines != total:
        raise BadInputError(
            f"{output.name} exists and is not the whole result of this input ({found.lines} of {total} lines);"
            " choose another output path"
        )
    if unfinished.exists():
        unfinished.replace(errors_path(output))
    return found


def _walk(answered: "_Cursor", quarantined: "_Cursor", lines: Iterable[Request | BadLine]) -> Resumed:
    """Follow the input as long as one of the files has the result of the next line."""
    finished = bad = 0
    for line in lines:
        if answered.number == line.number:
            answered.accept(line)
        elif quarantined.number == line.number:
            quarantined.accept(line)
            bad += 1
        else:
            break
        finished = line.number
    return Resumed(lines=finished, quarantined=bad)


class _Cursor:
    """Walks the records of one file; remembers how far they were accepted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = path.open("rb") if path.exists() else None
        self._records = self._read()
        self._accepted = self._end = 0
        self._custom_id: str | None = None
        self.number: int | None = None
        self._advance()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def accept(self, line: Request | BadLine) -> None:
        """Take the present record as the result of this line."""
        if self._custom_id != line.custom_id:
            raise BadInputError(
                f"{self._path.name}: line {line.number} has custom_id {self._custom_id!r}, the input has"
                f" {line.custom_id!r}; these results belong to another input, choose another output path"
            )
        self._accepted = self._end
        self._advance()

    def cut(self) -> None:
        """Remove everything behind the last accepted record."""
        if self._file is not None and self._path.stat().st_size > self._accepted:
            os.truncate(self._path, self._accepted)

    def _advance(self) -> None:
        self.number, self._custom_id, self._end = next(self._records, (None, None, self._end))

    def _read(self) -> Iterator[tuple[int | None, str | None, int]]:
        """Yield line number, custom_id and end offset of whole records; a torn or foreign one ends the file."""
        end = 0
        for raw in self._file or ():
            end += len(raw)
            number, custom_id = _identity(raw)
            if number is None:
                return
            yield number, custom_id, end


def _identity(raw: bytes) -> tuple[int | None, str | None]:
    if not raw.endswith(b"\n"):
        return None, None
    try:
        found = orjson.loads(raw)
        return int(found["id"].removeprefix(_ID_PREFIX)), found["custom_id"]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        return None, None
