"""What the chart renders, read as data: no cluster is asked."""

import http.server
import importlib.metadata
import json
import os
import subprocess
import sys
import threading
from typing import Any

import pytest
import yaml

from inferfleet.settings import Settings
from tests.integration.chart.helm_chart import ALL_OPTIONS, CHART, ROOT, Manifest, helm, kinds, one, render

EVERYTHING = ("--values", str(ALL_OPTIONS))


def environment(manifests: list[Manifest]) -> dict[str, Any]:
    (container,) = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


# --- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), EVERYTHING, ("--set", "watchNamespaces={a,b}")])
def test_helm_lint_finds_nothing_to_complain_about(options: tuple[str, ...]) -> None:
    done = helm("lint", "--strict", "--quiet", str(CHART), *options)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("budgets.requierd=true", "requierd"),
        ("replica=2", "replica"),
        ("replicas=-1", "/replicas"),
        ("logFormat=yaml", "'json', 'text'"),
        ("image.digest=latest", "/image/digest"),
        ("prometheus.url=prometheus:9090", "/prometheus/url"),
        ("watchNamespaces={Team_A}", "/watchNamespaces/0"),
        ("hub.tokenSecretRef.name=hub", "/hub/tokenSecretRef"),
        ("admission.validationActions={Refuse}", "/admission/validationActions/0"),
    ],
)
def test_a_wrong_value_is_refused_by_name(option: str, words: str) -> None:
    done = helm("template", str(CHART), "--set", option)
    assert done.returncode != 0
    assert words in done.stderr


def test_every_default_value_is_in_the_schema_and_every_value_of_the_schema_has_a_default() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    schema["properties"].pop("global")
    assert keys_of_schema(schema) == keys_of_values(yaml.safe_load((CHART / "values.yaml").read_text()), schema)


def keys_of_schema(schema: dict[str, Any], path: str = "") -> set[str]:
    """Paths down to where the schema stops naming keys of its own; optional references end at their parent."""
    properties = {} if "dependencies" in schema else schema.get("properties", {})
    if not properties or path.endswith(("resources", "managedNamespaceSelector")):
        return {path}
    return {key for name, below in properties.items() for key in keys_of_schema(below, f"{path}/{name}")}


def keys_of_values(values: Any, schema: dict[str, Any], path: str = "") -> set[str]:
    if path in keys_of_schema(schema):
        return {path}
    return {key for name, below in values.items() for key in keys_of_values(below, schema, f"{path}/{name}")}


def test_the_chart_and_the_package_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == importlib.metadata.version("inferfleet")


# --- custom resource definitions --------------------------------------------------------------------------------------


def test_the_charts_crds_are_the_generated_ones_byte_for_byte() -> None:
    generated = {path.name: path.read_bytes() for path in (ROOT / "crds").glob("*.yaml")}
    assert generated
    assert {path.name: path.read_bytes() for path in (CHART / "files/crds").glob("*.yaml")} == generated


def test_rendering_changes_nothing_in_a_crd_but_labels_and_the_keep_annotation() -> None:
    rendered = {crd["metadata"]["name"]: crd for crd in render() if crd["kind"] == "CustomResourceDefinition"}
    for path in (ROOT / "crds").glob("*.yaml"):
        generated = yaml.safe_load(path.read_text())
        crd = rendered.pop(generated["metadata"]["name"])
        assert crd["spec"] == generated["spec"]
        assert crd["metadata"]["annotations"].pop("helm.sh/resource-policy") == "keep"
        assert crd["metadata"]["annotations"] == generated["metadata"].get("annotations", {})
    assert not rendered


def test_crds_can_be_left_out_or_left_to_uninstall() -> None:
    assert "CustomResourceDefinition" not in kinds(render("--set", "crds.enabled=false"))
    unkept = [crd for crd in render("--set", "crds.keep=false") if crd["kind"] == "CustomResourceDefinition"]
    assert not any("helm.sh/resource-policy" in crd["metadata"].get("annotations", {}) for crd in unkept)


def test_the_package_page_lists_the_kinds_that_are_installed() -> None:
    listed = yaml.safe_load(yaml.safe_load((CHART / "Chart.yaml").read_text())["annotations"]["artifacthub.io/crds"])
    installed = [yaml.safe_load(path.read_text()) for path in (CHART / "files/crds").glob("*.yaml")]
    assert {(crd["name"], crd["kind"]) for crd in listed} == {
        (crd["metadata"]["name"], crd["spec"]["names"]["kind"]) for crd in installed
    }


# --- the operator's pod -----------------------------------------------------------------------------------------------


def test_a_digest_wins_over_the_tag() -> None:
    digest = "sha256:" + "0" * 64
    manifests = render("--set", f"image.digest={digest},image.tag=v1")
    (container,) = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"inferfleet/inferfleet@{digest}"


def test_every_container_is_locked_down() -> None:
    manifests = render()
    for pod in (one(manifests, "Deployment")["spec"]["template"]["spec"], one(manifests, "Pod")["spec"]):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


def test_the_user_can_be_left_to_the_cluster() -> None:
    assert "runAsUser" not in json.dumps(render("--set", "runAsUser=null"))


def test_settings_reach_the_operator_as_environment() -> None:
    told = environment(render(*EVERYTHING))
    assert told["INFERFLEET_BUDGETS_REQUIRED"] == "true"
    assert told["INFERFLEET_HF_ENDPOINT"] == "https://mirror.example:8443"
    assert told["INFERFLEET_HF_TOKEN"] == {"secretKeyRef": {"name": "hub", "key": "token"}}
    assert told["INFERFLEET_WORKER_IMAGE"] == "mirror/inferfleet:1"
    assert told["INFERFLEET_HTTP_PORT"] == "9000"
    assert told["SSL_CERT_FILE"] == "/etc/ssl/mirror.pem"


def test_every_setting_of_the_operator_is_set_by_the_chart() -> None:
    settings = {f"INFERFLEET_{name.upper()}" for name in Settings.model_fields if name != "kubeconfig"}
    assert {name for name in environment(render(*EVERYTHING)) if name.startswith("INFERFLEET_")} == settings


@pytest.mark.parametrize("options", [(), EVERYTHING])
def test_the_operator_understands_what_the_chart_tells_it(
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    for name, value in environment(render(*options)).items():
        if isinstance(value, str):
            monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.http_port == (9000 if options else 8080)


def test_watched_namespaces_reach_the_operator() -> None:
    assert environment(render("--set", "watchNamespaces={a,b}"))["INFERFLEET_WATCH_NAMESPACES"] == "a,b"


def test_batch_pods_use_the_operators_own_image_unless_told() -> None:
    manifests = render("--set", "image.tag=v1")
    assert environment(manifests)["INFERFLEET_WORKER_IMAGE"] == "inferfleet/inferfleet:v1"


# --- optional objects -------------------------------------------------------------------------------------------------


def test_options_are_off_until_asked_for() -> None:
    optional = {
        "NetworkPolicy",
        "PodDisruptionBudget",
        "ServiceMonitor",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
    assert not optional & kinds(render())
    assert optional <= kinds(render(*EVERYTHING))


def test_a_service_monitor_without_its_service_is_refused() -> None:
    options = ("--set", "metrics.serviceMonitor.enabled=true,metrics.service.enabled=false")
    assert "metrics.service.enabled" in helm("template", str(CHART), *options).stderr


def test_the_network_policy_opens_the_ports_of_the_configured_urls() -> None:
    policy = one(render(*EVERYTHING), "NetworkPolicy")
    open_ports = {entry["port"] for rule in policy["spec"]["egress"] for entry in rule["ports"]}
    assert open_ports == {53, 443, 6443, 8443, 8000, 9090, 3128}


def test_the_network_policy_keeps_closed_what_is_turned_off() -> None:
    options = "networkPolicy.enabled=true,networkPolicy.apiServerPorts={6443},hub.enabled=false,engines.scrape=false"
    policy = one(render("--set", options), "NetworkPolicy")
    assert {entry["port"] for rule in policy["spec"]["egress"] for entry in rule["ports"]} == {53, 6443}


# --- helm test --------------------------------------------------------------------------------------------------------


class _Operator(http.server.BaseHTTPRequestHandler):
    ready = True

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/metrics" or self.ready else 503)
        self.end_headers()
        self.wfile.write(b"up 1\n")

    def log_message(self, *_: object) -> None:
        """Say nothing: the test's own asserts do."""


class _StandingBy(_Operator):
    ready = False


@pytest.mark.parametrize(("operator", "succeeds"), [(_Operator, True), (_StandingBy, False)])
def test_the_helm_test_succeeds_exactly_when_the_operator_is_ready(operator: type[_Operator], succeeds: bool) -> None:
    (container,) = one(render(), "Pod", "-test-readyz")["spec"]["containers"]
    _, *arguments = container["command"]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), operator) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        done = subprocess.run(
            [sys.executable, *arguments], env={**os.environ, "OPERATOR_URL": url}, capture_output=True, check=False
        )
        server.shutdown()
    assert (done.returncode == 0) is succeeds
