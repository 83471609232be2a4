"""The chart as a value: where it is, how it is rendered without a cluster, how its objects are looked up.

In: options as helm takes them. Out: manifests as dictionaries. Must not talk to a cluster.
"""

import functools
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.controlplane import build

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "inferfleet"
ALL_OPTIONS = CHART / "ci" / "all-options-values.yaml"
NAMESPACE = "inferfleet-system"

Manifest = dict[str, Any]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm without a cluster."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "KUBECONFIG": os.devnull}
    program = build.programs_directory() / "helm"
    return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, check=False)


def render(*options: str) -> list[Manifest]:
    """Render the chart as release `inferfleet`; options are helm's own."""
    return [manifest for manifest in yaml.safe_load_all(_rendered(options)) if manifest]


@functools.cache
def _rendered(options: tuple[str, ...]) -> str:
    done = helm("template", "inferfleet", str(CHART), "--namespace", NAMESPACE, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def one(manifests: list[Manifest], kind: str, suffix: str = "") -> Manifest:
    """Return the only object of a kind whose name ends so."""
    (found,) = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"].endswith(suffix)]
    return found


def kinds(manifests: list[Manifest]) -> set[str]:
    """Return the kinds that occur."""
    return {manifest["kind"] for manifest in manifests}
