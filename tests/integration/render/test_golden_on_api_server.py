"""The kept manifests before the real API server: valid, without a warning, and within the strictest pod standard."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.cluster import Cluster

GOLDEN = Path(__file__).parents[2] / "golden"
FILES = sorted(GOLDEN.glob("*.yaml"))
STANDARD = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}


def owned_by_nobody(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Move an object into a namespace; its owner does not exist there, and a dry run does not need one."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "ownerReferences"}
    return {**manifest, "metadata": {**metadata, "namespace": namespace}}


@pytest.fixture
def restricted(cluster: Cluster, namespace: str) -> str:
    cluster.kubectl("label", "namespace", namespace, *(f"{key}={value}" for key, value in STANDARD.items()))
    return namespace


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_api_server_takes_it_without_a_warning(cluster: Cluster, restricted: str, path: Path) -> None:
    objects = [owned_by_nobody(manifest, restricted) for manifest in yaml.safe_load_all(path.read_text())]
    cluster.kubectl(
        "apply",
        "--server-side",
        "--dry-run=server",
        "--validate=strict",
        "--warnings-as-errors",
        "--filename=-",
        input=yaml.safe_dump_all(objects),
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_pods_pass_the_restricted_standard(cluster: Cluster, restricted: str, path: Path) -> None:
    """Admission judges pods themselves; of workloads it only warns."""
    for manifest in yaml.safe_load_all(path.read_text()):
        template = manifest["spec"].get("template")
        if template is not None:
            pod = {"apiVersion": "v1", "kind": "Pod", **template}
            pod["metadata"] = {**template["metadata"], "name": "probe", "namespace": restricted}
            cluster.kubectl("create", "--dry-run=server", "--filename=-", input=yaml.safe_dump(pod))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_applying_it_again_changes_nothing(cluster: Cluster, namespace: str, path: Path) -> None:
    """What is sent must be what the server keeps, or every pass would write."""
    objects = [owned_by_nobody(manifest, namespace) for manifest in yaml.safe_load_all(path.read_text())]
    for manifest in objects:
        if "template" in manifest["spec"]:  # the object matters here, not its pods
            manifest["spec"]["replicas" if manifest["kind"] == "Deployment" else "suspend"] = (
                0 if manifest["kind"] == "Deployment" else True
            )
    first = [cluster.objects.apply(manifest) for manifest in objects]
    second = [cluster.objects.apply(manifest) for manifest in objects]
    assert [found["metadata"]["generation"] for found in first if "generation" in found["metadata"]] == [
        found["metadata"]["generation"] for found in second if "generation" in found["metadata"]
    ]
