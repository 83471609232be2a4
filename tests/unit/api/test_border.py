"""The models judge objects as the schema and its rules say, and say what is wrong."""

from __future__ import annotations

import copy
import re
from datetime import date
from typing import Any

import pytest

from inferfleet.api.model import ApiModel
from inferfleet.api.objects import KINDS, InvalidObject, dump, parse, parse_as
from inferfleet.api.v1alpha1 import InferenceDeployment
from tests.apiobjects.bounds import Bound, first_places, out_of_bounds, spec_fields
from tests.apiobjects.broken_rules import BROKEN_RULES, Broken, change
from tests.apiobjects.good import GOOD, good


def _part_of(document: Any, written: Any) -> Any:
    """Return what `written` says about the fields of `document`; it also says the defaults."""
    if isinstance(document, dict):
        return {key: _part_of(value, written[key]) for key, value in document.items()}
    if isinstance(document, list):
        return [_part_of(*pair) for pair in zip(document, written, strict=True)]
    return written


def _yaml_path(path: str) -> str:
    return re.sub(r"\.(\d+)", r"[\1]", path)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_object_is_accepted_and_comes_back_unchanged(name: str) -> None:
    document = good(name)

    written = dump(parse(document))

    assert _part_of(document, written) == document


@pytest.mark.parametrize("kind", KINDS)
def test_the_good_objects_set_every_field_of_the_spec(kind: str) -> None:
    documents = [document for document in map(good, GOOD) if document["kind"] == kind]
    set_somewhere = {path for document in documents for path in first_places(document)}

    assert [field.path for field in spec_fields(kind) if field.path not in set_somewhere] == []


@pytest.mark.parametrize("case", out_of_bounds(), ids=lambda case: case.name)
def test_a_value_out_of_bounds_is_refused_by_the_name_of_its_field(case: Bound) -> None:
    with pytest.raises(InvalidObject) as refusal:
        parse(case.document())

    assert any(problem.path.startswith(_yaml_path(case.path)) for problem in refusal.value.problems)


@pytest.mark.parametrize("case", BROKEN_RULES, ids=lambda case: case.name)
def test_a_broken_rule_is_refused_with_its_message(case: Broken) -> None:
    with pytest.raises(InvalidObject, match=re.escape(case.message)):
        parse(case.document())


def _models(model: type[ApiModel]) -> set[type[ApiModel]]:
    return {model}.union(*(_models(child) for child in model.__subclasses__()))


def test_every_rule_has_an_object_that_breaks_it() -> None:
    messages = {rule.message for model in _models(ApiModel) for rule in model.rules if "oldSelf" not in rule.cel}

    assert [text for text in messages if not any(text.startswith(case.message) for case in BROKEN_RULES)] == []


def test_a_wrong_entry_of_a_list_is_the_only_thing_that_is_said() -> None:
    document = good("pool")
    change(document, "spec.tolerations", [{"key": "team", "operator": "Sometimes"}])

    with pytest.raises(InvalidObject) as refusal:
        parse(document)

    assert [problem.path for problem in refusal.value.problems] == ["spec.tolerations[0].operator"]


@pytest.mark.parametrize("share", ["0", "0.0", "0.000000", "0.009", "1.1"])
def test_a_share_of_nothing_or_more_than_all_is_refused_by_the_name_of_its_field(share: str) -> None:
    document = good("real time")
    change(document, "spec.engine.gpuMemoryUtilization", share)

    with pytest.raises(InvalidObject) as refusal:
        parse(document)

    assert [problem.path for problem in refusal.value.problems] == ["spec.engine.gpuMemoryUtilization"]


@pytest.mark.parametrize("share", ["0.01", "0.9", "0.90", "0.095", "0.123456", "1", "1.0"])
def test_a_share_from_a_hundredth_to_all_is_accepted(share: str) -> None:
    document = good("real time")
    change(document, "spec.engine.gpuMemoryUtilization", share)

    parse(document)


@pytest.mark.parametrize("number", [4, 4.5, "4,5", "-1", "1e3", "", "1234567890"])
def test_a_malformed_decimal_is_refused_and_told_to_be_a_string_in_quotes(number: object) -> None:
    document = good("real time")
    change(document, "spec.traffic.requestsPerSecond", number)

    with pytest.raises(InvalidObject) as refusal:
        parse(document)

    assert refusal.value.problems[0].path == "spec.traffic.requestsPerSecond"
    assert 'must be a decimal string such as "4", in quotes' in refusal.value.problems[0].message


def test_a_version_without_quotes_is_refused_and_told_to_be_quoted() -> None:
    document = good("real time")
    change(document, "spec.engine.version", 0.32)

    with pytest.raises(InvalidObject, match=r"spec\.engine\.version \(0\.32\): must be a string, in quotes"):
        parse(document)


def test_an_unknown_field_is_refused_with_the_likeliest_known_one() -> None:
    document = good("real time")
    change(document, "spec.traffic.requestPerSecond", "4")

    with pytest.raises(InvalidObject, match=r"spec\.traffic\.requestPerSecond: .* did you mean requestsPerSecond\?"):
        parse(document)


@pytest.mark.parametrize("day", [20261101, "2026-11-01T00:00:00Z", "yesterday", "2026-13-01", True])
def test_what_is_no_day_is_refused(day: object) -> None:
    document = good("GPU type")
    change(document, "spec.prices.0.date", day)

    with pytest.raises(InvalidObject, match=r"spec\.prices\[0\]\.date"):
        parse(document)


def test_a_day_that_yaml_read_as_a_date_is_accepted() -> None:
    document = good("GPU type")
    change(document, "spec.prices.0.date", date(2026, 11, 1))

    assert dump(parse(document))["spec"]["prices"][0]["date"] == "2026-11-01"


@pytest.mark.parametrize("model", ["../..", "--trust-remote-code/x", "acme/.git", "acme", "a/b/c", "acmé/llm"])
def test_what_is_no_repository_name_is_refused(model: str) -> None:
    document = good("real time")
    change(document, "spec.model.id", model)

    with pytest.raises(InvalidObject, match=r"spec\.model\.id"):
        parse(document)


def test_an_unknown_time_zone_is_refused() -> None:
    document = good("budget")
    change(document, "spec.timeZone", "Mars/Olympus_Mons")

    with pytest.raises(InvalidObject, match=r'spec\.timeZone \("Mars/Olympus_Mons"\): must be a zone'):
        parse(document)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidObject, match=r'kind \("Fleet"\): must be one of InferenceDeployment, InferenceRoute'):
        parse({**good("pool"), "kind": "Fleet"})


def test_another_version_is_refused() -> None:
    with pytest.raises(InvalidObject, match=r"apiVersion .* must be inferfleet\.dev/v1alpha1"):
        parse({**good("pool"), "apiVersion": "inferfleet.dev/v2"})


def test_the_refusal_names_the_object() -> None:
    document = good("real time")
    change(document, "spec.replicas", -1)

    with pytest.raises(InvalidObject) as refusal:
        parse(document)

    assert str(refusal.value) == (
        "InferenceDeployment default/chat: spec.replicas (-1): must be greater than or equal to 0"
    )


def test_a_null_means_absent() -> None:
    document = good("route")
    change(document, "spec.backends.1.provider.apiBase", None)

    parse(document)


def test_a_namespaced_object_without_namespace_lands_in_default() -> None:
    document = good("real time")
    del document["metadata"]["namespace"]

    assert parse(document).metadata.namespace == "default"


def test_defaults_that_depend_on_the_class_follow_it() -> None:
    batch = parse_as(InferenceDeployment, good("batch in volumes")).spec
    without = good("real time")
    del without["spec"]["placement"]
    real_time = parse_as(InferenceDeployment, without).spec

    assert (real_time.spot_policy, real_time.rebalance_policy) == ("Never", "Never")
    assert (batch.spot_policy, batch.rebalance_policy) == ("Allowed", "WhenCheaper")


def test_parsing_leaves_the_document_alone() -> None:
    document = good("real time")
    before = copy.deepcopy(document)

    parse(document)

    assert document == before
