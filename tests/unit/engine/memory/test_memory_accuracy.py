"""The gate: on real start-ups the memory model is as good as it claims, and better than every peer."""

from pathlib import Path

import pytest

from benchmarks.cases import read_rows
from benchmarks.memory.__main__ import COLUMNS, write
from benchmarks.memory.answers import ours
from benchmarks.memory.cases import REQUIRED, Case, read_case
from benchmarks.memory.peers import PEERS
from benchmarks.memory.scores import Score, score

CASES = Path(__file__).parents[4] / "benchmarks" / "data" / "vllm_memory_cases.csv"


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [read_case(row) for row in read_rows(CASES, required=REQUIRED)]


@pytest.fixture(scope="module")
def achieved(cases: list[Case]) -> Score:
    return score(cases, ours)


def test_weights_are_within_one_per_cent(achieved: Score) -> None:
    assert achieved.weights.count >= 100
    assert achieved.weights.mean <= 0.7
    assert achieved.weights.within(1) >= 0.95


def test_the_kv_cache_of_v1_engines_is_close(achieved: Score) -> None:
    assert achieved.pool.count >= 70
    assert achieved.pool.median <= 1.5
    assert achieved.pool.within(5) >= 0.75


def test_verdicts_are_right_outside_a_narrow_band(achieved: Score) -> None:
    assert achieved.verdicts.count >= 120
    assert achieved.verdicts.accuracy >= 0.97
    assert achieved.verdicts.band <= 0.10


def test_nothing_that_failed_was_said_to_fit(achieved: Score) -> None:
    assert achieved.verdicts.false_fits == ()


@pytest.mark.parametrize("peer", sorted(PEERS))
def test_no_peer_is_better_at_anything(peer: str, cases: list[Case], achieved: Score) -> None:
    other = score(cases, PEERS[peer])
    assert achieved.weights.mean < other.weights.mean
    assert achieved.pool.median < other.pool.median
    assert achieved.verdicts.accuracy > other.verdicts.accuracy


def test_answers_do_not_depend_on_what_the_engine_printed(cases: list[Case]) -> None:
    printed = {
        "weights_gib_per_gpu", "non_torch_gib", "activation_peak_gib", "cuda_graph_gib", "kv_cache_gib_per_gpu",
        "kv_cache_tokens", "gpu_blocks", "max_concurrency", "required_kv_gib", "est_max_model_len", "outcome", "notes",
    }  # fmt: skip
    blank = [read_case({key: "" if key in printed else value for key, value in case.row.items()}) for case in cases]
    assert [ours(case) for case in blank] == [ours(case) for case in cases]


def test_every_case_gets_a_line(cases: list[Case], tmp_path: Path) -> None:
    write([case.row for case in cases], [ours(case) for case in cases], tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert len(lines) == len(cases) + 1
