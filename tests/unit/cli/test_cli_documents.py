"""Reading YAML files: what is taken, in which order, and how a mistake is shown with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from inferfleet.cli.documents import read_documents
from inferfleet.cli.exit import BadInput
from inferfleet.cli.given import read_given

Written = Callable[[str, str], str]
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"


def problems_of(*sources: str) -> str:
    with pytest.raises(BadInput) as caught:
        read_given(sources, namespace="default")
    return "\n".join(caught.value.problems)


def test_a_directory_gives_its_yaml_files_in_the_order_of_their_names(written: Written, tmp_path: Path) -> None:
    written("b.yml", "kind: B")
    written("a.yaml", "kind: A")
    written("notes.txt", "kind: C")
    assert [document.content["kind"] for document in read_documents([str(tmp_path)]).documents] == ["A", "B"]


def test_a_file_that_is_named_twice_is_read_once(written: Written, tmp_path: Path) -> None:
    path = written("a.yaml", "kind: A")
    assert len(read_documents([path, str(tmp_path)]).documents) == 1


def test_a_list_gives_its_items_with_their_places(written: Written) -> None:
    path = written("list.yaml", "kind: List\nitems:\n- kind: A\n- kind: B\n")
    places = [document.place() for document in read_documents([path]).documents]
    assert places == [f"{path}:3 (document 1, item 1)", f"{path}:4 (document 1, item 2)"]


def test_empty_documents_are_passed_over(written: Written) -> None:
    path = written("a.yaml", "# only a remark\n---\nkind: A\n---\n")
    assert [document.content["kind"] for document in read_documents([path]).documents] == ["A"]


def test_a_place_names_the_line_of_the_field(written: Written) -> None:
    path = written("a.yaml", "---\nkind: A\nspec:\n  list:\n  - name: x\n    size: 1\n")
    (document,) = read_documents([path]).documents
    assert document.place("spec.list[0].size") == f"{path}:6 (document 1)"


def test_a_missing_field_has_the_place_of_what_should_hold_it(written: Written) -> None:
    path = written("a.yaml", "kind: A\nspec:\n  size: 1\n")
    (document,) = read_documents([path]).documents
    assert document.place("spec.traffic.rate") == f"{path}:2 (document 1)"


def test_broken_yaml_is_named_with_its_line(written: Written) -> None:
    path = written("a.yaml", "kind: A\nspec: [1,\n")
    assert read_documents([path]).problems[0].startswith(f"{path}:3: ")


@pytest.mark.parametrize("opened", ["[", "{a: ", "- "])
def test_yaml_that_is_nested_too_deeply_is_named(written: Written, opened: str) -> None:
    path = written("deep.yaml", opened * 5000)
    assert problems_of(path) == f"{path}: is nested too deeply to hold Kubernetes objects"


def test_a_field_that_stands_twice_is_refused(written: Written) -> None:
    path = written("a.yaml", "kind: A\nspec: {}\nspec: {}\n")
    assert read_documents([path]).problems == (f"{path}:3: field spec stands twice",)


def test_a_document_that_is_no_object_is_refused(written: Written) -> None:
    path = written("a.yaml", "- 1\n")
    assert "must be a Kubernetes object" in read_documents([path]).problems[0]


def test_a_path_that_does_not_exist_is_named() -> None:
    assert read_documents(["nowhere.yaml"]).problems[0].startswith("nowhere.yaml: no such file")


def test_other_kinds_are_named_and_not_read(written: Written) -> None:
    path = written("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
    given = read_given([path], namespace="default")
    assert (given.documents, given.ignored) == ((), (f"{path}:1 (document 1): ConfigMap c",))


def test_an_object_without_a_namespace_gets_the_given_one(written: Written, chat: str) -> None:
    (document,) = read_given([written("a.yaml", chat)], namespace="team-a").documents
    assert document["metadata"]["namespace"] == "team-a"


def test_two_objects_of_one_name_are_refused_with_both_places(written: Written) -> None:
    path = written("a.yaml", f"{NAMESPACE}---\n{NAMESPACE}")
    assert problems_of(path) == (f"{path}:5 (document 2): Namespace a stands a second time; see {path}:1 (document 1)")


def test_the_same_name_in_two_namespaces_is_fine(written: Written, chat: str) -> None:
    other = chat.replace("{name: chat}", "{name: chat, namespace: b}")
    assert len(read_given([written("a.yaml", f"{chat}---{other}")], namespace="a").documents) == 2


def test_problems_of_all_files_are_reported_together(written: Written, pool: str, chat: str) -> None:
    first = written("a.yaml", pool.replace('"1.60"', '"1,6"'))
    second = written("b.yaml", chat.replace("RealTime", "Realtime"))
    found = problems_of(first, second)
    assert "spec.usdPerGPUHour" in found
    assert "spec.workload.class" in found


def test_a_malformed_decimal_names_file_line_document_field_value_and_what_is_accepted(
    written: Written, pool: str
) -> None:
    path = written("a.yaml", pool.replace('"1.60"', '"1,5"'))
    assert problems_of(path) == (
        f'{path}:11 (document 1): GPUPool l40s-od: spec.usdPerGPUHour ("1,5"): must be a decimal string such as '
        r'"1.60", in quotes (pattern ^\d{1,9}(\.\d{1,6})?$)'
    )


def test_an_unknown_field_is_named_with_the_likeliest_one(written: Written, chat: str) -> None:
    found = problems_of(written("a.yaml", chat.replace("inputTokens", "inputToken")))
    assert "spec.traffic.inputToken: is not a known field; did you mean inputTokens?" in found


def test_a_misspelt_kind_of_our_group_is_an_error_and_not_passed_over(written: Written, chat: str) -> None:
    assert "kind" in problems_of(written("a.yaml", chat.replace("InferenceDeployment", "InferenceDeploymnt")))


def test_a_node_without_a_name_is_refused(written: Written) -> None:
    found = problems_of(written("a.yaml", "apiVersion: v1\nkind: Node\nmetadata: {labels: {a: b}}\n"))
    assert "Node: metadata.name: is required" in found


def test_a_node_that_cannot_be_understood_is_refused(written: Written) -> None:
    text = "apiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus: {allocatable: [1]}\n"
    assert "Node n: is not understood" in problems_of(written("a.yaml", text))
