"""The image, without an image builder: the Dockerfile's build stage is carried out in a directory of its own.

Every COPY and RUN of that stage is executed, in order, on only the files that .dockerignore lets through. What comes
out is then run as an unprivileged user, as the container would be.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
NOBODY = 65534


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What the Dockerfile made; `root` stands for the image's file system."""

    root: Path

    def run(self, *arguments: str) -> str:
        """Run a program of the image's PATH as a user without rights, home or working directory."""
        directory = self.root / "opt/inferfleet/bin"
        done = subprocess.run(
            [directory / arguments[0], *arguments[1:]],
            env={"PATH": str(directory), "HOME": "/nonexistent", "LANG": "C.UTF-8"},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=NOBODY if os.geteuid() == 0 else None,
            group=NOBODY if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with tempfile.TemporaryDirectory(prefix="inferfleet-image-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        build(root)
        yield Image(root=root)


def build(root: Path) -> None:
    """Carry out the Dockerfile's build stage with `root` as the root directory."""
    python = public_python()
    work = root
    for name, rest in instructions():
        if name == "WORKDIR":
            work = root / rest.lstrip("/")
            work.mkdir(parents=True)
        elif name == "COPY":
            copy_into(work, rest.split())
        elif name == "RUN":
            command = re.sub(r"(?<![\w/.-])python(?= )", shlex.quote(str(python)), rest)
            command = command.replace("/opt/", f"{root}/opt/")
            done = subprocess.run(command, shell=True, cwd=work, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"RUN {rest}\n{done.stdout}{done.stderr}"


def instructions() -> list[tuple[str, str]]:
    """The build stage's instructions; ENV only tunes pip there and is left out."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    stage = re.split(r"^FROM .*$", text, flags=re.MULTILINE)[1]
    lines = [line for line in stage.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if not line.startswith("ENV ")]


def copy_into(work: Path, arguments: list[str]) -> None:
    """COPY as Docker does: a directory's content, files into a directory; only what .dockerignore lets through."""
    *sources, destination = arguments
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignore
    target = work / destination
    for source in sources:
        assert f"!{source.rstrip('/')}" in ignore, f"{source} is ignored by .dockerignore"
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, target)


def public_python() -> Path:
    """A Python that every user may execute: the one that runs the tests may live in somebody's home."""
    names = ["python3", *(f"python3.{minor}" for minor in range(11, 15))]
    places = (f"{sys.base_prefix}/bin", "/usr/local/bin:/usr/bin")
    for candidate in filter(None, (shutil.which(name, path=place) for place in places for name in names)):
        open_to_all = all(parent.stat().st_mode & 0o001 for parent in Path(candidate).resolve().parents)
        readable = open_to_all or os.geteuid() != 0
        question = "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"
        if readable and subprocess.run([candidate, "-c", question], capture_output=True, check=False).returncode == 0:
            return Path(candidate)
    pytest.skip("no Python 3.11 or newer that an unprivileged user may execute")


def test_the_installed_command_names_its_version(image: Image) -> None:
    assert "0.1.0" in image.run("inferfleet", "--version")


def test_the_installed_command_prints_the_same_crds_as_the_repository(image: Image) -> None:
    printed = {crd["metadata"]["name"]: crd for crd in yaml.safe_load_all(image.run("inferfleet", "crds")) if crd}
    files = [yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml")]
    assert printed == {crd["metadata"]["name"]: crd for crd in files}


def test_the_built_in_catalogue_is_part_of_the_package(image: Image) -> None:
    assert json.loads(image.run("inferfleet", "catalog", "gpus", "-o", "json"))


def test_every_module_can_be_imported_with_the_locked_packages_alone(image: Image) -> None:
    names = "(m.name for m in pkgutil.walk_packages(inferfleet.__path__, 'inferfleet.') if '__main__' not in m.name)"
    image.run(
        "python", "-c", f"import importlib, inferfleet, pkgutil\nfor name in {names}: importlib.import_module(name)"
    )


def test_the_worker_of_batch_pods_is_in_the_same_image(image: Image) -> None:
    assert "--input" in image.run("inferfleet", "batch-worker", "--help")


def test_nothing_that_could_install_more_is_left_in_the_image(image: Image) -> None:
    assert not list((image.root / "opt/inferfleet/bin").glob("pip*"))


def test_the_wheel_holds_one_top_level_package(image: Image) -> None:
    (wheel,) = (image.root / "src/dist").glob("*.whl")
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"inferfleet"}


def test_the_image_runs_as_a_numbered_user_other_than_root() -> None:
    (user,) = re.findall(r"^USER (.*)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    assert all(part.isdigit() and int(part) > 0 for part in user.split(":"))
