"""The claims of docs/installation.md hold; its commands are run by tests/integration/docs."""

import re

import yaml

from tests.integration.chart.helm_chart import CHART, ROOT

PAGE = (ROOT / "docs/installation.md").read_text()


def test_the_values_that_the_page_names_exist_with_the_defaults_that_it_states() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for names, default in re.findall(r"^\| (`[^|]*`) \| ([^|]*) \|", PAGE, flags=re.MULTILINE):
        for name in re.findall(r"`([\w.]+)`", names):
            value = values
            for part in name.split("."):
                value = value[part]
            if default == "`false`":
                assert value is False, name
