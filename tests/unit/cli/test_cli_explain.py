"""`inferfleet explain` before it reaches a cluster: what it is asked, and how it says that there is none."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import Result

Invoke = Callable[..., Result]
Written = Callable[[str, str], str]


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take away every way to a cluster that the person running the tests may have."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def kubeconfig(written: Written) -> str:
    """A kubeconfig with one context, whose server's port nobody listens on."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{closed.getsockname()[1]}"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    }
    return written("kubeconfig", yaml.safe_dump(content))


@pytest.mark.parametrize("target", ["pod/chat", "infd/", "/chat"])
def test_only_an_inference_deployment_can_be_explained(invoke: Invoke, target: str) -> None:
    result = invoke("explain", target)
    assert result.exit_code == 2
    assert f"{target}: must be infd/NAME" in result.stderr


def test_without_any_way_to_a_cluster_the_status_is_3(invoke: Invoke) -> None:
    result = invoke("explain", "infd/chat", "-n", "team-a")
    assert (result.exit_code, "no cluster" in result.stderr) == (3, True)


def test_a_cluster_that_does_not_answer_gives_status_3_and_its_address(invoke: Invoke, kubeconfig: str) -> None:
    result = invoke("explain", "infd/chat", "--kubeconfig", kubeconfig)
    assert (result.exit_code, "127.0.0.1" in result.stderr) == (3, True)


def test_a_kubeconfig_that_does_not_exist_gives_status_3(invoke: Invoke) -> None:
    result = invoke("explain", "infd/chat", "-n", "a", "--kubeconfig", "nowhere")
    assert (result.exit_code, "nowhere" in result.stderr) == (3, True)


def test_an_unknown_context_is_bad_input_and_names_those_there_are(invoke: Invoke, kubeconfig: str) -> None:
    result = invoke("explain", "infd/chat", "--kubeconfig", kubeconfig, "--context", "there")
    assert result.exit_code == 2
    assert "--context: there is not in" in result.stderr
    assert "there are here" in result.stderr


def test_several_kubeconfigs_in_the_environment_are_not_guessed_between(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "a:b")
    result = invoke("explain", "infd/chat")
    assert (result.exit_code, "--kubeconfig" in result.stderr) == (2, True)


def test_a_what_if_that_makes_no_sense_is_refused_before_the_cluster_is_asked(invoke: Invoke) -> None:
    assert invoke("explain", "infd/chat", "--what-if", "faster").exit_code == 2
