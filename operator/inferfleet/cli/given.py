"""The checked objects of files: those of our kinds, and the Namespaces, Nodes and Pods that decisions look at.

In: paths and a default namespace. Out: `Given`, or `BadInput` with every problem of every file, each with its place.
Other kinds are only named: folders of manifests are given as they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inferfleet.api.objects import KINDS, InvalidObject, parse
from inferfleet.api.v1alpha1 import GROUP
from inferfleet.cli.documents import Document, read_documents
from inferfleet.cli.exit import BadInput
from inferfleet.observe.project_nodes import namespace_facts, node_facts
from inferfleet.observe.project_pods import pod_facts

Content = Mapping[str, Any]

# The core kinds that are read, each with the projection that must understand it.
CORE = {"Namespace": namespace_facts, "Node": node_facts, "Pod": pod_facts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Documents that were understood, and what was passed over (`kind name`, with its place)."""

    documents: tuple[Content, ...]
    ignored: tuple[str, ...]


def read_given(sources: Sequence[str], *, namespace: str) -> Given:
    """Read all sources; objects of ours without a namespace get `namespace`. Raises `BadInput`."""
    if not sources:
        raise BadInput("-f: give at least one file, directory, or - for stdin")
    reading = read_documents(sources)
    problems = list(reading.problems)
    first_seen: dict[tuple[str, str, str], Document] = {}
    kept, ignored = [], []
    for document in reading.documents:
        kind, content = str(document.content.get("kind")), document.content
        if not _is_read(content):
            ignored.append(f"{document.place()}: {kind} {_name(content)}")
            continue
        content = _placed(content, namespace)
        problems += _problems(document, content)
        identity = (kind, str(_metadata(content).get("namespace", "")), _name(content))
        other = first_seen.setdefault(identity, document)
        if other is not document:
            problems.append(f"{document.place()}: {kind} {_name(content)} stands a second time; see {other.place()}")
        kept.append(content)
    if problems:
        raise BadInput(*problems)
    return Given(documents=tuple(kept), ignored=tuple(ignored))


def _is_read(content: Content) -> bool:
    """Take everything of our group, also what is misspelt there, and the core kinds that matter."""
    version, kind = str(content.get("apiVersion")), str(content.get("kind"))
    return version.startswith(f"{GROUP}/") or kind in KINDS or (version == "v1" and kind in CORE)


def _placed(content: Content, namespace: str) -> Content:
    """Put an object of a namespaced kind of ours into the default namespace, where it names none."""
    model, metadata = KINDS.get(str(content.get("kind"))), _metadata(content)
    if model is None or not model.definition.namespaced or not metadata or metadata.get("namespace"):
        return content
    return {**content, "metadata": {**metadata, "namespace": namespace}}


def _problems(document: Document, content: Content) -> Iterator[str]:
    kind = str(content.get("kind"))
    if kind in CORE:
        yield from _core_problems(document, content, kind)
        return
    try:
        parse(content)
    except InvalidObject as error:
        where = f"{error.namespace}/{error.name}" if error.namespace else error.name
        for problem in error.problems:
            yield f"{document.place(problem.path)}: {error.kind} {where}: {problem}"


def _core_problems(document: Document, content: Content, kind: str) -> Iterator[str]:
    if not isinstance(_metadata(content).get("name"), str):
        yield f"{document.place('metadata')}: {kind}: metadata.name: is required"
        return
    try:
        CORE[kind](content)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        yield f"{document.place()}: {kind} {_name(content)}: is not understood: {error!r}"


def _metadata(content: Content) -> Mapping[str, Any]:
    metadata = content.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _name(content: Content) -> str:
    return str(_metadata(content).get("name") or "without a name")
