"""The real API server accepts the good objects and refuses each bad one in our words."""

from __future__ import annotations

from typing import Any

import pytest

from inferfleet.api.objects import KINDS, dump, parse
from tests.apiobjects.bounds import Bound, out_of_bounds
from tests.apiobjects.broken_rules import BROKEN_RULES, Broken, change
from tests.apiobjects.good import GOOD, Document, good
from tests.controlplane.cluster import Cluster
from tests.controlplane.objects import ApiError

_PHRASES = {
    "is missing": "Required value",
    "is no word of the list": "Unsupported value",
    "is no date": "must be of type date",
    "is too long": "may not be more than",
    "does not match its pattern": "should match",
    "is too small": "should be greater than or equal to",
    "is too large": "should be less than or equal to",
    "is text instead of a number": "must be of type integer",
    "is text instead of true or false": "must be of type boolean",
    "is an empty list": "should have at least 1 items",
    "holds too many": "must have at most",
    "is too large a map": "must have at most",
    "is an empty map": "should have at least 1 properties",
    "is no quantity": "should match",
}
"""What the API server says about each fault."""


def _refusal(cluster: Cluster, document: Document) -> str:
    """Return what the API server says against creating an object."""
    with pytest.raises(ApiError) as refusal:
        cluster.objects.create(document, dry_run=True)
    assert refusal.value.status == 422
    return refusal.value.message


@pytest.mark.parametrize("name", GOOD)
def test_the_api_server_stores_a_good_object_without_losing_a_field(cluster: Cluster, name: str) -> None:
    document = good(name)

    stored = cluster.objects.create(document, dry_run=True)

    assert _part_of(document, stored) == document


def _part_of(document: Any, stored: Any) -> Any:
    """Return what `stored` says about the fields of `document`; it also says the defaults."""
    if isinstance(document, dict):
        return {key: _part_of(value, stored.get(key)) for key, value in document.items()}
    if isinstance(document, list):
        return [_part_of(*pair) for pair in zip(document, stored, strict=True)]
    return stored


@pytest.mark.parametrize("name", GOOD)
def test_the_api_server_and_the_models_fill_in_the_same_defaults(cluster: Cluster, name: str) -> None:
    document = good(name)

    stored = cluster.objects.create(document, dry_run=True)

    assert dump(parse({**stored, "metadata": document["metadata"]})) == dump(parse(document))


@pytest.mark.parametrize("case", BROKEN_RULES, ids=lambda case: case.name)
def test_a_broken_rule_is_refused_with_our_message(cluster: Cluster, case: Broken) -> None:
    assert case.message in _refusal(cluster, case.document())


@pytest.mark.parametrize("case", out_of_bounds(), ids=lambda case: case.name)
def test_a_value_out_of_bounds_is_refused_by_the_name_of_its_field(cluster: Cluster, case: Bound) -> None:
    message = _refusal(cluster, case.document())

    assert case.field in message
    assert _PHRASES[case.fault] in message


@pytest.mark.parametrize("value", [4, 4.5, "-4", "4,5", "1e3", "1234567890", "1.1234567", ""])
def test_a_malformed_decimal_is_refused(cluster: Cluster, value: object) -> None:
    document = good("real time")
    change(document, "spec.traffic.requestsPerSecond", value)

    assert "spec.traffic.requestsPerSecond" in _refusal(cluster, document)


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("real time", "spec.placement.gpuTypes"),
        ("real time", "spec.compliance.standards"),
        ("GPU type", "spec.prices"),
        ("GPU type", "spec.labels"),
        ("budget", "spec.categories"),
        ("budget", "spec.commitments"),
        ("route", "spec.backends"),
    ],
)
def test_an_entry_that_stands_twice_is_refused_by_server_and_model(cluster: Cluster, base: str, path: str) -> None:
    document = good(base)
    entries: Any = document
    for step in path.split("."):
        entries = entries[step]
    entries.append(entries[0])

    assert f"{path}[{len(entries) - 1}]: Duplicate value" in _refusal(cluster, document)
    with pytest.raises(ValueError, match="twice"):
        parse(document)


def test_the_class_of_a_deployment_cannot_be_changed(cluster: Cluster, namespace: str) -> None:
    document = good("real time")
    document["metadata"]["namespace"] = namespace
    cluster.objects.create(document)
    document["spec"] |= {key: good("batch in volumes")["spec"][key] for key in ("workload", "batch")}
    del document["spec"]["traffic"]

    with pytest.raises(ApiError, match="class cannot be changed; create a new object"):
        cluster.objects.apply(document)


@pytest.mark.parametrize("name", ["a", "a" * 45, "chat-2"])
@pytest.mark.parametrize("base", ["real time", "route"])
def test_a_name_that_a_service_may_have_is_accepted(cluster: Cluster, base: str, name: str) -> None:
    document = good(base)
    change(document, "metadata.name", name)

    assert cluster.objects.create(document, dry_run=True)["metadata"]["name"] == name


def test_a_misspelt_field_is_refused_by_kubectl(cluster: Cluster, namespace: str) -> None:
    manifest = f"""
        apiVersion: inferfleet.dev/v1alpha1
        kind: InferenceDeployment
        metadata: {{name: chat, namespace: {namespace}}}
        spec:
          model: {{id: acme/llm-9b}}
          workload: {{class: RealTime}}
          traffic: {{requestsPerSecond: "4", inputTokens: 1, outputTokens: 1, inputToken: 1}}
    """

    with pytest.raises(RuntimeError, match=r'unknown field "spec.traffic.inputToken"'):
        cluster.kubectl("apply", "-f", "-", input=manifest)


@pytest.mark.parametrize("kind", KINDS)
def test_the_definition_is_established_and_structural(cluster: Cluster, kind: str) -> None:
    crd = cluster.objects.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", KINDS[kind].definition.crd_name)

    conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}

    assert conditions == {"NamesAccepted": "True", "Established": "True"}
