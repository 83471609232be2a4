"""The CustomResourceDefinitions of all kinds as files: made, compared and written.

In: the kinds of `objects.KINDS`. Out: YAML texts by file name, always the same for the same models, without anchors.
`check` and `write` are the only functions of this package that touch files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from inferfleet.api.emitter import Schema, structural_schema
from inferfleet.api.objects import KINDS
from inferfleet.api.v1alpha1.resource import GROUP, VERSION, Column, KindDefinition, Resource

_HEADER = "# Generated from operator/inferfleet/api by `inferfleet crds`. Change the models, not this file.\n"


class _PlainDumper(yaml.SafeDumper):
    """Writes equal parts twice instead of with anchors, which few people can read."""

    def ignore_aliases(self, data: object) -> bool:
        """Treat no value as an alias of another."""
        return True


def definition(model: type[Resource]) -> dict[str, Any]:
    """Return the CustomResourceDefinition of one kind."""
    kind = model.definition
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": kind.crd_name,
            "labels": {"app.kubernetes.io/name": "inferfleet", "app.kubernetes.io/part-of": "inferfleet"},
        },
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": [kind.short_name],
                "categories": ["inferfleet"],
            },
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [_version(model)],
        },
    }


def render() -> dict[str, str]:
    """Return the text of every CRD by its file name, in the order of the kinds."""
    return {
        model.definition.file_name: _HEADER
        + yaml.dump(definition(model), Dumper=_PlainDumper, sort_keys=False, width=120, allow_unicode=True)
        for model in KINDS.values()
    }


def check(directory: Path) -> list[str]:
    """Return the names of our files in `directory` that are missing, differ, or belong to no kind any more.

    Only files named after our group are ours; others are not looked at.
    """
    return _stale(directory, render())


def write(directory: Path) -> None:
    """Make our files in `directory` equal to `render()`; files of kinds that are gone are deleted."""
    directory.mkdir(parents=True, exist_ok=True)
    wanted = render()
    for name in _stale(directory, wanted):
        if name in wanted:
            (directory / name).write_text(wanted[name], encoding="utf-8")
        else:
            (directory / name).unlink()


def _stale(directory: Path, wanted: dict[str, str]) -> list[str]:
    present = {path.name: path.read_text(encoding="utf-8") for path in directory.glob(f"{GROUP}_*.yaml")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def _version(model: type[Resource]) -> dict[str, Any]:
    kind = model.definition
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": root_schema(model)},
        "subresources": _subresources(kind),
    }


def root_schema(model: type[Resource]) -> Schema:
    """Return the `openAPIV3Schema` of one kind: its structural schema with the API server's own metadata."""
    schema = structural_schema(model)
    fields = schema["properties"]
    texts = {name: {"type": "string", "description": fields[name]["description"]} for name in ("apiVersion", "kind")}
    schema["properties"] = {
        **texts,
        "metadata": {"type": "object"},
        "spec": fields["spec"],
        "status": fields["status"],
    }
    schema["required"] = ["spec"]
    return schema


def _column(column: Column) -> dict[str, Any]:
    shown = {"name": column.name, "type": column.type, "description": column.description, "jsonPath": column.json_path}
    return {**shown, "priority": column.priority} if column.priority else shown


def _subresources(kind: KindDefinition) -> dict[str, Any]:
    if kind.scale is None:
        return {"status": {}}
    return {
        "status": {},
        "scale": {
            "specReplicasPath": kind.scale.spec_replicas_path,
            "statusReplicasPath": kind.scale.status_replicas_path,
            "labelSelectorPath": kind.scale.label_selector_path,
        },
    }
