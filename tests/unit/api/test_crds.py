"""The committed CRDs are those of the models, and readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from inferfleet.api import crds
from inferfleet.api.objects import KINDS
from tests.apiobjects.bounds import spec_fields

_COMMITTED = Path(__file__).parents[3] / "crds"
_RENDERED = crds.render()


def test_the_committed_files_are_current() -> None:
    assert crds.check(_COMMITTED) == [], "run `inferfleet crds` into crds/ again"


@pytest.mark.parametrize(("name", "text"), _RENDERED.items())
def test_no_file_has_anchors(name: str, text: str) -> None:
    anchors = [event for event in yaml.parse(text) if getattr(event, "anchor", None)]

    assert anchors == [], name


@pytest.mark.parametrize(("name", "text"), _RENDERED.items())
def test_every_file_is_named_after_its_definition(name: str, text: str) -> None:
    plural, group = yaml.safe_load(text)["metadata"]["name"].split(".", 1)

    assert name == f"{group}_{plural}.yaml"


def test_a_changed_a_missing_and_a_foreign_file_are_stale(tmp_path: Path) -> None:
    crds.write(tmp_path)
    changed, missing, *_ = sorted(path.name for path in tmp_path.iterdir())
    (tmp_path / changed).write_text("changed")
    (tmp_path / missing).unlink()
    (tmp_path / "inferfleet.dev_old.yaml").write_text("old")

    assert crds.check(tmp_path) == sorted([changed, missing, "inferfleet.dev_old.yaml"])


def test_writing_makes_the_folder_current_and_leaves_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "inferfleet.dev_old.yaml").write_text("old")
    (tmp_path / "values.yaml").write_text("mine")

    crds.write(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*_RENDERED, "values.yaml"])


def _model_defaults(model: type[BaseModel], path: str) -> dict[str, Any]:
    """Return every scalar default of a model and its parts, by YAML path."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        below = f"{path}.{field.alias or name}"
        part = _part(field.annotation)
        many = "tuple" in str(field.annotation)
        if part is not None:
            found |= _model_defaults(part, f"{below}.*" if many else below)
        elif field.default is not None and not field.is_required() and isinstance(field.default, str | int | bool):
            found[below] = field.default
    return found


def _part(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((part for part in map(_part, getattr(annotation, "__args__", ())) if part is not None), None)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_has_the_defaults_of_the_model(kind: str) -> None:
    in_schema = {field.path: field.schema["default"] for field in spec_fields(kind) if "default" in field.schema}

    spec = _part(KINDS[kind].model_fields["spec"].annotation)
    assert spec is not None
    assert in_schema == _model_defaults(spec, "spec")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_shows_whether_it_is_ready_and_why(kind: str) -> None:
    shown = [column.name for column in KINDS[kind].definition.columns if column.priority == 0]

    assert shown[-3:] == ["Ready", "Reason", "Age"]


def test_short_names_are_distinct() -> None:
    names = [model.definition.short_name for model in KINDS.values()]

    assert sorted(names) == ["budget", "gpup", "gput", "infd", "iroute", "mprof"]


def test_a_deployment_can_be_scaled_from_outside() -> None:
    subresources = crds.definition(KINDS["InferenceDeployment"])["spec"]["versions"][0]["subresources"]

    assert subresources["scale"] == {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    }
