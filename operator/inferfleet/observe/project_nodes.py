"""The few facts of raw Node and Namespace documents that a decision needs.

In: documents as the API server sends them. Out: frozen values, or None for nodes without extended resources, which are
not worth remembering. Must not keep references into the document, or the whole of it stays in memory.
"""

import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from inferfleet.domain.observed import Counts, LabelSet, NamespaceFacts, NodeFacts, Taint
from inferfleet.domain.resources import Document


def node_facts(document: Document) -> NodeFacts | None:
    """Return the facts of a node, None when it offers no extended resource (no GPU)."""
    metadata, spec, status = document["metadata"], document.get("spec") or {}, document.get("status") or {}
    allocatable = extended(status.get("allocatable") or {})
    if not allocatable:
        return None
    return NodeFacts(
        name=metadata["name"],
        uid=metadata.get("uid") or "",
        labels=label_set(metadata.get("labels") or {}),
        allocatable=allocatable,
        ready=_is_ready(status.get("conditions") or ()),
        cordoned=bool(spec.get("unschedulable")),
        taints=tuple(
            Taint(key=taint["key"], value=taint.get("value") or "", effect=taint["effect"])
            for taint in spec.get("taints") or ()
        ),
    )


def namespace_facts(document: Document) -> NamespaceFacts:
    """Return the facts of a namespace."""
    metadata = document["metadata"]
    return NamespaceFacts(name=metadata["name"], labels=label_set(metadata.get("labels") or {}))


def extended(resources: Mapping[str, Any]) -> Counts:
    """Return the whole-number resources of vendors (`nvidia.com/gpu`), sorted by name; zeros are left out.

    An extended resource has a domain that is not Kubernetes' own (Kubernetes documentation, "Extended resources").
    """
    return tuple(
        sorted(
            (sys.intern(name), int(count))
            for name, count in resources.items()
            if "/" in name and "kubernetes.io/" not in name and str(count).isdecimal() and int(count)
        )
    )


def label_set(labels: Mapping[str, str]) -> LabelSet:
    """Return labels as a set of pairs, so that "has all of these" is one operation; equal pairs are shared."""
    return frozenset(_pair(key, value) for key, value in labels.items())


@lru_cache(maxsize=65_536)
def _pair(key: str, value: str) -> tuple[str, str]:
    return (sys.intern(key), value)


def _is_ready(conditions: Iterable[Document]) -> bool:
    """Whether the Ready condition is True; a node without one (from a file, not a kubelet) counts as ready."""
    return all(condition.get("status") == "True" for condition in conditions if condition.get("type") == "Ready")
