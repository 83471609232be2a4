"""Reads YAML documents with their places, so that a complaint can name file, line and document.

In: paths of files and directories, or `-` for stdin. Out: documents in the order they were given, and what could not be
read. Unlike a plain YAML loader it refuses a key that stands twice. Must not know what a document means.
"""

import re
import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SUFFIXES = (".yaml", ".yml")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One object of a file. `number` counts the file's documents from 1, `item` the entries of a List (0: no List)."""

    file: str
    number: int
    item: int = 0
    content: Mapping[str, Any]
    node: yaml.Node = field(repr=False, compare=False)

    def place(self, path: str = "") -> str:
        """Return the place of a field (`spec.pools[0]`), or of the deepest part of its path that is there."""
        item = f", item {self.item}" if self.item else ""
        return f"{self.file}:{_line(self.node, path)} (document {self.number}{item})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read, and what could not be."""

    documents: tuple[Document, ...]
    problems: tuple[str, ...]


def read_documents(sources: Sequence[str]) -> Reading:
    """Read every file, the YAML files of every directory in the order of their names, and stdin for `-`.

    A `kind: List` gives its items. Nothing is raised: what is wrong stands in `problems`.
    """
    documents: list[Document] = []
    problems: list[str] = []
    for file, text in _texts(sources, problems):
        try:
            for number, node, content in _load(text):
                documents += _unpack(file, number, node, content, problems)
        except yaml.YAMLError as error:
            problems.append(f"{file}{_trouble(error)}")
        except RecursionError:  # the parser calls itself once per level
            problems.append(f"{file}: is nested too deeply to hold Kubernetes objects")
    return Reading(documents=tuple(documents), problems=tuple(problems))


def _texts(sources: Sequence[str], problems: list[str]) -> Iterator[tuple[str, str]]:
    """Yield name and text of every file once, in the order given."""
    seen: set[Path] = set()
    for source in sources:
        if source == "-":
            yield "stdin", sys.stdin.read()
            continue
        files = _files(Path(source))
        if not files:
            problems.append(f"{source}: no such file, and no directory with {' or '.join(SUFFIXES)} files")
        for file in files:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                try:
                    yield str(file), file.read_text(encoding="utf-8")
                except (OSError, UnicodeDecodeError) as error:
                    problems.append(f"{file}: cannot be read as text: {error}")


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
    return [path] if path.is_file() or path.is_fifo() else []


class _Loader(yaml.SafeLoader):
    """The safe loader, except that a repeated key is an error: otherwise the last one would win silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping whose keys all differ."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"field {key.value} stands twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _load(text: str) -> Iterator[tuple[int, yaml.Node, Any]]:
    loader = _Loader(text)
    try:
        number = 0
        while loader.check_node():
            node = loader.get_node()
            number += 1
            if node is not None:
                yield number, node, loader.construct_document(node)
    finally:
        loader.dispose()


def _unpack(file: str, number: int, node: yaml.Node, content: object, problems: list[str]) -> Iterator[Document]:
    """Yield the document, the items of a List, or nothing for an empty document."""
    if content is None:
        return
    if not isinstance(content, dict) or "kind" not in content:
        found = f"a {type(content).__name__}" if not isinstance(content, dict) else "no kind"
        problems.append(f"{file}:{_line(node, '')} (document {number}): must be a Kubernetes object; found {found}")
        return
    items = content.get("items")
    if content["kind"] != "List":
        yield Document(file=file, number=number, content=content, node=node)
        return
    if not isinstance(items, list):
        problems.append(f"{file}:{_line(node, 'items')} (document {number}): items: must be a list")
        return
    for position, item in enumerate(items):
        entry = _child(node, "items")
        spot = entry.value[position] if isinstance(entry, yaml.SequenceNode) else node
        if not isinstance(item, dict):
            problems.append(f"{file}:{_line(spot, '')} (document {number}): items[{position}]: must be an object")
            continue
        yield Document(file=file, number=number, item=position + 1, content=item, node=spot)


def _line(node: yaml.Node, path: str) -> int:
    """Return the line, counted from 1, of the deepest part of a path that exists."""
    line = node.start_mark.line
    for index, key in _STEP.findall(path):
        if index and isinstance(node, yaml.SequenceNode) and int(index) < len(node.value):
            node = node.value[int(index)]
            line = node.start_mark.line
            continue
        entry = next((pair for pair in _pairs(node) if pair[0].value == key), None)
        if entry is None:
            break
        line, node = entry[0].start_mark.line, entry[1]
    return int(line) + 1


def _child(node: yaml.Node, key: str) -> yaml.Node | None:
    return next((value for name, value in _pairs(node) if name.value == key), None)


def _pairs(node: yaml.Node) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []


def _trouble(error: yaml.YAMLError) -> str:
    """Return what a YAML parser found, on one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f":{error.problem_mark.line + 1}: {error.problem or 'is not YAML'}"
    return f": {str(error).splitlines()[0]}"
