"""The programs of the control plane are found, or built from exactly what they are named after."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.controlplane import build


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "cache" / "inferfleet" / "controlplane"


def program(path: Path, script: str = "exit 1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def fake_go(tmp_path: Path, version: str, build_script: str) -> None:
    version_line = f'if [ "$1" = version ]; then echo "go version go{version} linux/amd64"; exit 0; fi'
    program(tmp_path / "bin" / "go", f"{version_line}\n{build_script}")


WRITE_OUTPUT = 'while [ "$1" != -o ]; do shift; done; echo built > "$2"'


def test_ready_programs_are_used_where_all_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in build.PROGRAMS:
        program(tmp_path / "assets" / name)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    found = build.programs_directory()
    assert (found / "etcd").resolve() == tmp_path / "assets" / "etcd"


def test_a_program_missing_from_the_assets_is_taken_from_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in build.PROGRAMS:
        program(tmp_path / ("bin" if name == "helm" else "assets") / name)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    assert (build.programs_directory() / "helm").resolve() == tmp_path / "bin" / "helm"


def test_incomplete_assets_lead_to_a_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    program(tmp_path / "assets" / "etcd")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    fake_go(tmp_path, "1.26.0", WRITE_OUTPUT)
    assert build.programs_directory().parent == cache


def test_a_build_is_used_again(tmp_path: Path) -> None:
    fake_go(tmp_path, "1.26.0", WRITE_OUTPUT)
    first = build.programs_directory()
    fake_go(tmp_path, "1.26.0", "exit 1")
    assert build.programs_directory() == first


def test_every_program_is_found_under_its_name_after_a_build(tmp_path: Path) -> None:
    fake_go(tmp_path, "1.26.0", WRITE_OUTPUT)
    directory = build.programs_directory()
    assert [name for name in build.PROGRAMS if (directory / name).exists()] == list(build.PROGRAMS)


def test_a_failed_build_shows_what_the_compiler_said(tmp_path: Path) -> None:
    fake_go(tmp_path, "1.26.0", "echo no space left on device >&2; exit 2")
    with pytest.raises(build.BuildError, match="no space left on device"):
        build.programs_directory()


def test_a_failed_build_leaves_nothing_that_could_be_taken_for_a_result(tmp_path: Path, cache: Path) -> None:
    fake_go(tmp_path, "1.26.0", "exit 2")
    with pytest.raises(build.BuildError):
        build.programs_directory()
    assert [path.name for path in cache.iterdir() if path.is_dir()] == []
