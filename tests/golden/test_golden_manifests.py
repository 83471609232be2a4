"""What is rendered is kept as YAML, so that every change of it is seen and reviewed.

`UPDATE_GOLDEN=1 pytest tests/golden` writes the files anew.
"""

import os
from pathlib import Path

import pytest
import yaml

from inferfleet.render import render
from tests.golden.cases import CASES, Case

FOLDER = Path(__file__).parent


class _WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def text(case: Case) -> str:
    manifests = render(case.demand, case.decision, case.pools, case.facts)
    return str(yaml.dump_all((item.body for item in manifests), Dumper=_WithoutAliases, sort_keys=False, width=120))


@pytest.mark.parametrize("name", CASES)
def test_manifests_are_as_reviewed(name: str) -> None:
    path = FOLDER / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text(CASES[name]), encoding="utf-8")
    assert text(CASES[name]) == path.read_text(encoding="utf-8")


def test_every_kept_file_belongs_to_a_case() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(CASES)
