"""The application around the commands, and the commands that only show data."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml
from typer.testing import Result

Invoke = Callable[..., Result]
ROOT = Path(__file__).parents[3]

HEAVY = ("pydantic", "yaml", "kubernetes", "aiohttp", "kopf", "rich", "inferfleet.plan")


def test_the_version_is_that_of_the_package(invoke: Invoke) -> None:
    assert invoke("--version").stdout.startswith("inferfleet 0.")


def test_every_command_is_described(invoke: Invoke) -> None:
    shown = invoke("--help").stdout
    commands = ("run", "plan", "explain", "fit", "throughput", "catalog", "crds", "batch-worker")
    assert [name for name in commands if f" {name} " not in shown] == []


def test_loading_the_command_line_loads_nothing_that_only_commands_need() -> None:
    code = f"import sys, inferfleet.cli.main; print([name for name in {HEAVY} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_gpu_types_have_sources_and_prices_with_dates(invoke: Invoke) -> None:
    found = {gpu["name"]: gpu for gpu in json.loads(invoke("catalog", "gpus", "-o", "json").stdout)}
    price = next(price for price in found["nvidia-l40s-48gb"]["prices"] if price["capacityType"] == "OnDemand")
    assert isinstance(price["usdPerGPUHour"], str)
    assert all(gpu["source"] for gpu in found.values())
    assert price["date"]


def test_models_have_sources(invoke: Invoke) -> None:
    found = json.loads(invoke("catalog", "models", "-o", "json").stdout)
    assert all(model["source"] for model in found)


def test_the_catalogue_can_be_narrowed(invoke: Invoke) -> None:
    found = yaml.safe_load(invoke("catalog", "models", "llama-3.1-8b-instruct", "-o", "yaml").stdout)
    assert {model["id"] for model in found} >= {"meta-llama/Llama-3.1-8B-Instruct"}
    assert all("llama-3.1-8b-instruct" in model["id"].lower() for model in found)


def test_the_catalogue_reads_as_a_table(invoke: Invoke) -> None:
    assert "nvidia-h100-80gb" in invoke("catalog", "gpus").stdout


def test_crds_are_printed_as_one_stream(invoke: Invoke) -> None:
    kinds = [document["kind"] for document in yaml.safe_load_all(invoke("crds").stdout)]
    assert set(kinds) == {"CustomResourceDefinition"}


def test_the_files_in_the_repository_are_current(invoke: Invoke) -> None:
    assert invoke("crds", "--check", str(ROOT / "crds")).exit_code == 0


def test_written_files_are_current(invoke: Invoke, tmp_path: Path) -> None:
    assert invoke("crds", "--write", str(tmp_path / "new")).exit_code == 0
    assert invoke("crds", "--check", str(tmp_path / "new")).exit_code == 0


def test_stale_files_exit_with_1_and_are_named(invoke: Invoke, tmp_path: Path) -> None:
    invoke("crds", "--write", str(tmp_path))
    (tmp_path / "inferfleet.dev_gpupools.yaml").write_text("kind: Nothing\n")
    result = invoke("crds", "--check", str(tmp_path))
    assert result.exit_code == 1
    assert "inferfleet.dev_gpupools.yaml" in result.stderr


def test_a_directory_that_does_not_exist_is_bad_input(invoke: Invoke) -> None:
    result = invoke("crds", "--check", "nowhere")
    assert (result.exit_code, "nowhere is not a directory" in result.stderr) == (2, True)
