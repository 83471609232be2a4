"""Which flags an engine version has: names, aliases, value types and choices, captured from the engine's own parser.

In: the engine version that a user declares. Out: a `FlagTable` that resolves every spelling the engine would accept to
the one flag it means. The engine's parser is generous (vLLM `vllm/utils/argparse_utils.py`, 0.32.0: underscores for
dashes, `--flag=value`, dotted JSON keys, and argparse's unambiguous prefixes), so a rule about flags holds only after
this resolution. This file must not judge who may use a flag.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

_CAPTURED = {"0.32.0": "vllm-0.32.json"}
NEWEST_CAPTURED = "0.32.0"

# vLLM's human-readable sizes: 1k is 1000, 1K is 1024 (vllm/utils/argparse_utils.py, human_readable_int).
_SIZE = re.compile(r"\d+(\.\d+)?[kmgt]|\d+[KMGT]?|-1|auto", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class ValueKind(StrEnum):
    """What stands after a flag."""

    SWITCH = "switch"
    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    SIZE = "size"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One option of the engine.

    `names` holds every option string; `many` takes one or more values, `optional` none or one.
    """

    names: tuple[str, ...]
    value: ValueKind
    many: bool = False
    optional: bool = False
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The first long option string: how the flag is spelt when it is written out."""
        return next(name for name in self.names if name.startswith("--"))

    def problem(self, value: str) -> str | None:
        """Return what would be accepted in place of a value, None when it is accepted."""
        if self.choices and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}"
        match self.value:
            case ValueKind.INTEGER if not _INTEGER.fullmatch(value):
                return "must be an integer"
            case ValueKind.NUMBER if not _NUMBER.fullmatch(value):
                return "must be a number"
            case ValueKind.SIZE if not _SIZE.fullmatch(value):
                return "must be an integer, with k, M, G or T where it helps"
            case ValueKind.JSON if not _is_json(value):
                return "must be JSON"
            case _:
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What an option string means: the flag, and the option string in full (a switch has one to set, one to unset)."""

    flag: Flag
    option: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A prefix of several options; the engine itself would refuse it."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagTable:
    """All flags of one engine version, found by any option string."""

    version: str
    by_option: Mapping[str, Flag] = field(repr=False)

    def resolve(self, option: str) -> Resolved | Ambiguous | None:
        """Return what an option string without its value means; None when the engine knows nothing like it.

        Underscores count as dashes after `--`, and a prefix counts when it fits one option only, as in argparse.
        """
        spelt = "--" + option[2:].replace("_", "-") if option.startswith("--") else option
        flag = self.by_option.get(spelt)
        if flag is not None:
            return Resolved(flag=flag, option=spelt)
        fitting = tuple(sorted(known for known in self.by_option if known.startswith(spelt)))
        if len(fitting) > 1:
            return Ambiguous(fitting)
        return Resolved(flag=self.by_option[fitting[0]], option=fitting[0]) if fitting else None


@cache
def flag_table(version: str) -> FlagTable | None:
    """Return the captured flags of exactly this version ("0.32.0"), None when they were never captured."""
    name = _CAPTURED.get(version)
    if name is None:
        return None
    return read_flags(json.loads(files("inferfleet.catalog").joinpath("data", name).read_text("utf-8")))


def captured_versions() -> tuple[str, ...]:
    """Return the engine versions whose flags are known, oldest first."""
    return tuple(sorted(_CAPTURED, key=version_key))


def version_key(version: str) -> tuple[int, ...]:
    """Return the numbers of an engine version, for comparing: "0.32.0" gives (0, 32, 0); suffixes do not count."""
    numbers = re.match(r"v?(\d+(?:\.\d+)*)", version, re.ASCII)
    return tuple(int(number) for number in numbers[1].split(".")) if numbers else ()


def read_flags(document: Mapping[str, Any]) -> FlagTable:
    """Turn a captured document into a table."""
    by_option: dict[str, Flag] = {}
    for entry in document["flags"]:
        count = entry.get("count")
        flag = Flag(
            names=tuple(entry["names"]),
            value=ValueKind(entry["value"]),
            many=count == "+",
            optional=count == "?",
            choices=tuple(entry.get("choices", ())),
        )
        by_option.update(dict.fromkeys(flag.names, flag))
    return FlagTable(version=document["version"], by_option=by_option)


def _is_json(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True
