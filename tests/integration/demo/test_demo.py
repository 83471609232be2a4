"""`make demo` as a newcomer runs it: the story is told, it is the one that the offline plan predicts, nothing stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.controlplane import build
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.demo.ground import NAMED
from tests.controlplane.demo.world import ROOT
from tests.controlplane.waiting import eventually
from tests.integration.docs.console_blocks import missing, read_page

_DEMO_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Place:
    """A directory of its own for one demo: its `.demo`, and everything temporary that it makes."""

    path: Path

    @property
    def demo(self) -> Path:
        return self.path / "demo"

    def start(self, *arguments: str, cluster: str = "") -> subprocess.Popen[str]:
        build.programs_directory()  # a build, where one is needed, must not count as time of the demo
        (self.path / "temporary").mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "tests.controlplane.demo", *arguments, "--directory", str(self.demo)],
            cwd=ROOT,
            env={**os.environ, NAMED: cluster, "TMPDIR": str(self.path / "temporary"), "PYTHONUNBUFFERED": "1"},
            stdout=(self.path / "output").open("a"),
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, cluster: str = "") -> tuple[int, str]:
        """Return exit status and output of a run that ends by itself."""
        (self.path / "output").unlink(missing_ok=True)
        status = self.start(*arguments, cluster=cluster).wait(_DEMO_SECONDS)
        return status, self.output()

    def output(self) -> str:
        return (self.path / "output").read_text()

    def wait_for(self, text: str) -> None:
        eventually(lambda: text in self.output(), _DEMO_SECONDS, describe=f"the demo says {text!r}")

    def processes(self) -> list[str]:
        """Return the command lines of every process that works in this place or is told of it."""
        found = []
        for process in psutil.process_iter(["cmdline", "cwd"]):
            words = [*(process.info["cmdline"] or ()), process.info["cwd"] or ""]
            if any(str(self.path) in word for word in words):
                found.append(" ".join(words))
        return found

    def is_clean(self) -> bool:
        assert not self.processes()
        assert not list((self.path / "temporary").iterdir())
        assert not self.demo.exists()
        return True


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, int, str]:
    """Run `make demo DEMO_ARGS=--once` beside whatever the other tests run."""
    place = Place(tmp_path_factory.mktemp("demo"))
    return place, *place.run("--once")


@pytest.fixture(scope="module")
def planned() -> list[dict[str, Any]]:
    """What `inferfleet plan` says about the same examples without any cluster."""
    command = [sys.executable, "-m", "inferfleet", "plan", "-f", "examples/", "-o", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    plans: list[dict[str, Any]] = json.loads(done.stdout)
    return plans


def test_every_example_is_answered_and_the_demo_succeeds(finished: tuple[Place, int, str]) -> None:
    _, status, output = finished
    assert status == 0, output
    assert "3 of 3 are Ready" in output


def test_the_story_is_the_one_that_the_offline_plan_predicts(
    finished: tuple[Place, int, str], planned: list[dict[str, Any]]
) -> None:
    output = " ".join(finished[2].split())
    for plan in planned:
        placement, cost = plan["placement"], plan["cost"]
        what = f"{placement['replicas']} x {placement['tensorParallelSize']} {placement['gpuType']}"
        assert f"chosen {what} in pool {placement['pool']}:" in output
        assert f"USD {cost['usdPerHour']} per hour, {cost['usdTotal'] or cost['usdPerMonth']}" in output


def test_the_story_says_where_each_pod_runs(finished: tuple[Place, int, str], planned: list[dict[str, Any]]) -> None:
    runs = [line.split() for line in finished[2].splitlines() if line.lstrip().startswith("runs ")]
    for plan in planned:
        nodes = [words[4] for words in runs if words[2].startswith(f"{plan['name']}-")]
        assert nodes
        assert all(node.startswith(f"{plan['placement']['pool']}-") for node in nodes)


def test_the_readme_shows_what_the_demo_really_says(finished: tuple[Place, int, str]) -> None:
    page = read_page((ROOT / "README.md").read_text())
    for command in (command for command in page.commands if command.text.startswith("make demo")):
        assert missing(command.shown, finished[2]) is None


def test_the_story_says_what_is_simulated_and_that_the_operator_is_a_process(finished: tuple[Place, int, str]) -> None:
    output = " ".join(finished[2].split())
    assert "Simulated: the GPU nodes and what runs on them" in output
    assert "the chart's Deployment has 0 replicas" in output


def test_the_story_shows_the_pool_that_has_no_nodes(finished: tuple[Place, int, str]) -> None:
    (line,) = [line for line in finished[2].splitlines() if line.startswith("h200-ordered")]
    assert "none yet" in line


def test_a_demo_that_ends_by_itself_leaves_nothing_behind(finished: tuple[Place, int, str]) -> None:
    assert eventually(finished[0].is_clean)


def test_a_demo_stays_until_another_terminal_takes_it_down(tmp_path: Path) -> None:
    place = Place(tmp_path)
    demo = place.start()
    place.wait_for("Running until Ctrl-C")
    down = [sys.executable, "-m", "tests.controlplane.demo", "--down", "--directory", str(place.demo)]

    done = subprocess.run(down, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, demo.wait(30)) == (0, 0), done.stdout
    assert f"ended the demo (process {demo.pid})" in done.stdout
    assert eventually(place.is_clean)


@pytest.fixture
def killed(tmp_path: Path) -> Place:
    """Start a demo and kill it without warning while it sets things up."""
    place = Place(tmp_path)
    demo = place.start()
    place.wait_for("simulated GPU nodes")
    demo.send_signal(signal.SIGKILL)
    demo.wait(10)
    return place


def test_a_killed_demo_leaves_no_process_and_what_it_left_is_removed(killed: Place) -> None:
    eventually(lambda: not killed.processes())
    status, output = killed.run("--down")
    assert (status, "removed what one had left" in output) == (0, True)
    assert killed.is_clean()


def test_a_second_demo_of_the_same_directory_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path)
    demo = place.start()
    place.wait_for("starting etcd")
    second = subprocess.run(
        [sys.executable, "-m", "tests.controlplane.demo", "--once", "--directory", str(place.demo)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    demo.send_signal(signal.SIGINT)
    assert second.returncode == 1
    assert f"a demo is running already (process {demo.pid})" in second.stdout
    assert demo.wait(30) == 1
    assert eventually(place.is_clean)


def test_on_a_named_cluster_the_demo_removes_what_it_installed(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with ControlPlane.start() as somebodys:
        somebodys.processes.end("kwok")  # the demo brings its own
        before = everything(somebodys)

        status, output = place.run("--once", cluster=str(somebodys.kubeconfig))

        assert status == 0, output
        assert eventually(place.is_clean)
        assert eventually(lambda: everything(somebodys) <= before, 60)


def everything(cluster: ControlPlane) -> set[str]:
    """Return the names of whatever a demo could leave behind."""
    kinds = "nodes,namespaces,pods,deployments,jobs,services,persistentvolumeclaims,clusterroles,crds"
    return set(cluster.kubectl("get", kinds, "--all-namespaces", "--output", "name").split())
