"""The planning benchmark on a small scale: its figures are there, and it fails where brute force finds better."""

import json
from pathlib import Path

import pytest

from benchmarks.plan import __main__ as benchmark
from benchmarks.plan.fleet import fleet
from inferfleet.plan import decide


def test_the_fleet_is_the_same_in_every_run() -> None:
    sizes = {"deployments": 20, "nodes": 80, "pools": 8, "shapes": 10}
    assert fleet(**sizes) == fleet(**sizes)


def test_the_fleet_can_be_served() -> None:
    world, demands = fleet(deployments=20, nodes=400, pools=8, shapes=10)
    assert all(decision.placements for decision in decide(world, demands))


def test_the_least_disturbed_run_counts() -> None:
    run = {"cold": 0.5, "warm": 0.25, "reference": 0.1, "placed": 3}
    summary = benchmark.best([run, run | {"cold": 0.9}])
    assert (summary["coldToReference"], summary["warmToReference"], len(summary["runs"])) == (5.0, 2.5, 2)


def test_a_disagreement_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "disagreement", lambda seed: f"seed {seed}" if seed == 3 else None)
    small = ["--deployments", "5", "--nodes", "40", "--pools", "4", "--shapes", "5", "--runs", "1"]
    status = benchmark.main([*small, "--worlds", "5", "--out", str(tmp_path / "out.json")])
    document = json.loads((tmp_path / "out.json").read_text())
    assert (status, document["bruteForce"]) == (1, {"worlds": 5, "disagreements": 1, "first": ["seed 3"]})
