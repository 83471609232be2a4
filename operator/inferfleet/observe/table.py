"""A watched kind as a table of values, which tells what changed.

In: documents of a list or a watch. Out: for each change the old and the new value. Older versions of an object never
replace newer ones, so the answer to an own write may be put in before the watch brings it. Must not do I/O.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from inferfleet.domain.keys import Key, NamespacedName
from inferfleet.domain.resources import Document

TableKey = TypeVar("TableKey", bound=Key | NamespacedName)
Value = TypeVar("Value")
OnChange = Callable[[Value | None, Value | None], None]

_REMEMBERED_DELETIONS = 4096


@dataclass(frozen=True, slots=True)
class _Row(Generic[Value]):
    uid: str
    version: int
    value: Value


class Table(Generic[TableKey, Value]):
    """Values by key. `project` returns None for objects that are not worth a row."""

    def __init__(
        self,
        project: Callable[[Document], Value | None],
        key_of: Callable[[str, str], TableKey],
        *,
        on_change: OnChange[Value] | None = None,
    ) -> None:
        """`key_of(namespace, name)` is the key of a row.

        `on_change(old, new)` is called for each change of a value; None stands for absent.
        """
        self._project = project
        self._key_of = key_of
        self._on_change = on_change
        self._rows: dict[TableKey, _Row[Value]] = {}
        self._deleted: dict[TableKey, int] = {}  # the last deletions, so that a late answer or list cannot undo them
        self.revision = 0
        self.synced = False

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: TableKey) -> Value | None:
        """Return the value of one object, None without one."""
        row = self._rows.get(key)
        return row.value if row else None

    def version_of(self, key: TableKey) -> str | None:
        """Return the resourceVersion that was seen last of one object, None without one."""
        row = self._rows.get(key)
        return str(row.version) if row else None

    def values(self) -> Iterable[Value]:
        """Return all values, in no particular order."""
        return [row.value for row in self._rows.values()]

    def keys(self) -> Iterable[TableKey]:
        """Return all keys, in no particular order."""
        return list(self._rows)

    def put(self, document: Document) -> TableKey:
        """Take in a document from a list, a watch or the answer to an own write, unless a newer one is known.

        Returns the key of the object.
        """
        key, uid, version = self._identity(document)
        row = self._rows.get(key)
        if row is not None and version <= row.version:
            return key
        if version <= self._deleted.get(key, -1):
            return key
        value = self._project(document)
        if value is None:
            self._remove(key)
            return key
        self._rows[key] = _Row(uid, version, value)
        self._tell(row.value if row else None, value)
        return key

    def delete(self, document: Document) -> None:
        """Take in the deletion of an object; the document carries the version of the deletion."""
        key, uid, version = self._identity(document)
        row = self._rows.get(key)
        if row is not None and row.uid != uid and version <= row.version:
            return
        self._deleted[key] = version
        if len(self._deleted) > _REMEMBERED_DELETIONS:
            del self._deleted[next(iter(self._deleted))]
        self._remove(key)

    def discard(self, key: TableKey, uid: str) -> None:
        """Forget an object that turned out not to exist any more."""
        row = self._rows.get(key)
        if row is not None and row.uid == uid:
            self._remove(key)

    def end_list(self, listed: Collection[TableKey], *, version: str, namespace: str | None = None) -> None:
        """Say that a complete list of that version (of one namespace, or all) was put, with these keys.

        Objects that are missing from it were deleted unseen, unless they are newer than the list. A list is put page by
        page: its documents take several times the room of the values that are kept of them.
        """
        limit = int(version)
        for key, row in list(self._rows.items()):
            if key not in listed and row.version <= limit and namespace in (None, key.namespace):
                self._remove(key)
        self._deleted = {key: deleted for key, deleted in self._deleted.items() if deleted > limit}
        self.synced = True

    def _remove(self, key: TableKey) -> None:
        row = self._rows.pop(key, None)
        if row is not None:
            self._tell(row.value, None)

    def _tell(self, old: Value | None, new: Value | None) -> None:
        if old == new:
            return
        self.revision += 1
        if self._on_change is not None:
            self._on_change(old, new)

    def _identity(self, document: Document) -> tuple[TableKey, str, int]:
        """Resource versions are ordered numbers (KEP-5504, "Comparable Resource Version", Kubernetes 1.35)."""
        metadata = document["metadata"]
        key = self._key_of(metadata.get("namespace") or "", metadata["name"])
        return key, metadata["uid"], int(metadata["resourceVersion"])


AnyTable: TypeAlias = Table[Any, Any]
"""A table of whatever kind, for what feeds tables."""
