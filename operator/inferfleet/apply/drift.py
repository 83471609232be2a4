"""Whether an object still has every value that was rendered for it.

In: a manifest's body, and the object as the API server stores it. Out: the path of the first difference, or None.
Only what was rendered is compared: defaults that the server added and fields that others own are not ours to judge.
Must not decide what follows from a difference.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

_SUFFIXES: Mapping[str, Decimal] = (
    {"": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3")}
    | {suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)}
    | {f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)}
)
_QUANTITY = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)(n|u|m|[kMGTPE]|[KMGTPE]i)?")
# What identifies an entry in lists that are merged entry by entry ("Merge strategy", Kubernetes API reference).
# Mounts come first: two of them may be of one volume, and so have the same name.
_MERGE_KEYS = ("mountPath", "name", "containerPort", "uid", "devicePath", "topologyKey", "ip")
# Lists of entries with such a key that are nevertheless replaced as a whole.
_ATOMIC = frozenset({"tolerations", "matchExpressions", "items", "nodeSelectorTerms"})


def difference(wanted: object, found: object, path: str = "") -> str | None:
    """Return the path of the first rendered value that the object does not have, None when it has all.

    Quantities are compared by value ("1000m" equals "1"); an absent value equals an empty one, because the server drops
    empty maps and lists.
    """
    if isinstance(wanted, Mapping):
        return _difference_of_maps(wanted, found, path)
    if isinstance(wanted, list | tuple):
        return _difference_of_lists(wanted, found, path)
    if _equal(wanted, found):
        return None
    return path or "."


def _difference_of_maps(wanted: Mapping[str, Any], found: object, path: str) -> str | None:
    if found is None and not wanted:
        return None
    if not isinstance(found, Mapping):
        return path or "."
    for key, value in wanted.items():
        inner = difference(value, found.get(key), f"{path}.{key}" if path else key)
        if inner is not None:
            return inner
    return None


def _difference_of_lists(wanted: Sequence[Any], found: object, path: str) -> str | None:
    if not wanted and not found:
        return None
    if not isinstance(found, list):
        return path
    key = _merge_key(wanted, path)
    if key is not None:
        entries = {entry.get(key): entry for entry in found if isinstance(entry, Mapping)}
        for entry in wanted:
            inner = difference(entry, entries.get(entry[key]), f"{path}[{entry[key]}]")
            if inner is not None:
                return inner
        return None
    if len(wanted) != len(found):
        return path
    for index, (one, other) in enumerate(zip(wanted, found, strict=True)):
        inner = difference(one, other, f"{path}[{index}]")
        if inner is not None:
            return inner
    return None


def _merge_key(entries: Sequence[Any], path: str) -> str | None:
    if path.rpartition(".")[2] in _ATOMIC or not all(isinstance(entry, Mapping) for entry in entries):
        return None
    return next((key for key in _MERGE_KEYS if all(key in entry for entry in entries)), None)


def _equal(wanted: object, found: object) -> bool:
    if wanted == found or (wanted in (None, "") and found in (None, "")):
        return True
    if isinstance(wanted, bool) or isinstance(found, bool):
        return False
    if isinstance(wanted, str | int) and isinstance(found, str | int):
        one, other = _quantity(wanted), _quantity(found)
        return one is not None and one == other
    return False


def _quantity(value: str | int) -> Decimal | None:
    match = _QUANTITY.fullmatch(str(value))
    return Decimal(match[1]) * _SUFFIXES[match[2] or ""] if match else None
