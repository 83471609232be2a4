"""The published settings of Melange: never dearer than the best single GPU type, always equal to brute force."""

import json
from pathlib import Path

from benchmarks.mix.__main__ import main


def test_every_published_setting_is_solved_to_the_optimum(tmp_path: Path) -> None:
    out = tmp_path / "mix.json"
    assert main(["--out", str(out)]) == 0
    summary = json.loads(out.read_text("utf-8"))["summary"]
    assert summary["settings"] == 36
    assert summary["atMostBestSingle"] == 36
    assert summary["atMostBestSingleWithTwoTypes"] == 36
    assert summary["equalToBruteForce"] == 36
    assert summary["meanSavingAgainstBestSinglePercent"] > 5


def test_a_table_that_cannot_be_read_is_bad_input(tmp_path: Path) -> None:
    assert main(["--tables", str(tmp_path / "missing.csv")]) == 2
