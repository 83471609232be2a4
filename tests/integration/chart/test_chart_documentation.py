"""docs/installation.md is true: its commands run in the order of the page, and its claims hold."""

import os
import re
import subprocess

import yaml

from tests.controlplane.controlplane import ControlPlane
from tests.integration.chart.helm_chart import CHART, ROOT

PAGE = (ROOT / "docs/installation.md").read_text()


def test_every_command_of_the_installation_page_succeeds_in_order(own_cluster: ControlPlane) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    environment = {
        "PATH": f"{own_cluster.programs}:{os.environ['PATH']}",
        "HOME": str(own_cluster.directory),
        "KUBECONFIG": str(own_cluster.kubeconfig),
    }
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    crds = own_cluster.objects.list("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert not [crd for crd in crds if crd["spec"]["group"] == "inferfleet.dev"]


def test_the_values_that_the_page_names_exist_with_the_defaults_that_it_states() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for names, default in re.findall(r"^\| (`[^|]*`) \| ([^|]*) \|", PAGE, flags=re.MULTILINE):
        for name in re.findall(r"`([\w.]+)`", names):
            value = values
            for part in name.split("."):
                value = value[part]
            if default == "`false`":
                assert value is False, name
