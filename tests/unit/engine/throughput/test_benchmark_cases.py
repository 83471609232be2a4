"""Cases of the benchmarks as people write them: odd files, odd cells, and one bad row among good ones."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.cases import CellError, flag, measured, number, whole
from benchmarks.memory.__main__ import main as memory
from benchmarks.memory.devices import device, known
from benchmarks.throughput.__main__ import main as throughput


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """One benchmark with a row that it can answer; `figure` is a column of its answer."""

    main: Callable[[Sequence[str] | None], int]
    row: dict[str, str]
    size: str
    figure: str
    blank: str

    def text(self, *changes: dict[str, str], end: str = "\n") -> str:
        """Return a CSV file with one row per set of changes."""
        rows = [",".join({**self.row, **change}.values()) for change in changes]
        return end.join([",".join(self.row), *rows, ""])

    def answers(self, text: str, folder: Path) -> list[dict[str, str]]:
        """Run the benchmark over a CSV file of this text and return its answers."""
        cases, out = folder / "in.csv", folder / "out.csv"
        cases.write_text(text, encoding="utf-8", newline="")
        assert self.main(["--cases", str(cases), "--out", str(out)]) == 0
        return list(csv.DictReader(out.open(encoding="utf-8")))


BENCHMARKS = {
    "memory": Benchmark(
        main=memory,
        row={
            "case_id": "a", "model_id": "Qwen/Qwen3-8B", "gpu_model": "NVIDIA L40S", "tensor_parallel_size": "1",
            "max_model_len": "8192",
        },
        size="tensor_parallel_size",
        figure="weights_gib_per_gpu",
        blank="b,,,,,,,,",
    ),
    "throughput": Benchmark(
        main=throughput,
        row={
            "case_id": "a", "model": "Qwen/Qwen3-8B", "gpu": "L40S-48GB", "n_gpu": "1", "tp": "1",
            "weight_dtype": "bf16", "isl": "800", "osl": "300", "concurrency": "8",
        },
        size="tp",
        figure="out_tok_s",
        blank="b,,,Low",
    ),
}  # fmt: skip


@pytest.fixture(params=sorted(BENCHMARKS))
def benchmark(request: pytest.FixtureRequest) -> Benchmark:
    return BENCHMARKS[str(request.param)]


def test_a_byte_order_mark_and_crlf_change_nothing(benchmark: Benchmark, tmp_path: Path) -> None:
    plain = benchmark.answers(benchmark.text({}), tmp_path)
    assert benchmark.answers("\ufeff" + benchmark.text({}, end="\r\n"), tmp_path) == plain
    assert plain[0][benchmark.figure]


@pytest.mark.parametrize("size", ["0", "-1", "x", "1.5", "nan", "1e999"])
def test_a_row_that_cannot_be_answered_is_blank_and_named(
    size: str, benchmark: Benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = benchmark.text({}, {"case_id": "b", benchmark.size: size}, {"case_id": "c"})
    first, second, third = benchmark.answers(text, tmp_path)
    assert ",".join(second.values()) == benchmark.blank
    assert first[benchmark.figure] == third[benchmark.figure] != ""
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"b: {benchmark.size} is {size!r}; accepted: a whole number of at least 1"]


def test_whole_numbers_may_be_written_as_floats(benchmark: Benchmark, tmp_path: Path) -> None:
    first, second = benchmark.answers(benchmark.text({}, {benchmark.size: " 1.0 "}), tmp_path)
    assert first == second


def test_a_short_line_has_blank_cells_at_its_end(benchmark: Benchmark, tmp_path: Path) -> None:
    (only,) = benchmark.answers(benchmark.text() + "b\n", tmp_path)
    assert ",".join(only.values()) == benchmark.blank


def test_rows_of_one_name_keep_their_own_answers(benchmark: Benchmark, tmp_path: Path) -> None:
    first, second = benchmark.answers(benchmark.text({}, {benchmark.size: "0"}), tmp_path)
    assert first[benchmark.figure]
    assert not second[benchmark.figure]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no cases"),
        (b"\n\n", "no cases"),
        (b"case_id,model\na,b\n", "columns missing"),
        (b"\xff\xfec\x00", "not a CSV file in UTF-8"),
    ],
)
def test_a_file_without_cases_is_bad_input(
    content: bytes, said: str, benchmark: Benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = tmp_path / "in.csv"
    cases.write_bytes(content)
    assert benchmark.main(["--cases", str(cases)]) == 2
    assert said in capsys.readouterr().err


def test_a_header_alone_is_bad_input(benchmark: Benchmark, tmp_path: Path) -> None:
    cases = tmp_path / "in.csv"
    cases.write_text(benchmark.text(), encoding="utf-8")
    assert benchmark.main(["--cases", str(cases)]) == 2


def test_missing_columns_are_named(benchmark: Benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "in.csv"
    cases.write_text("case_id\na\n", encoding="utf-8")
    assert benchmark.main(["--cases", str(cases)]) == 2
    assert benchmark.size in capsys.readouterr().err


def test_a_missing_file_is_named(benchmark: Benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--cases", str(tmp_path / "absent.csv")]) == 2
    assert "absent.csv: No such file or directory" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_named(
    benchmark: Benchmark, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = tmp_path / "in.csv"
    cases.write_text(benchmark.text({}), encoding="utf-8")
    assert benchmark.main(["--cases", str(cases), "--out", str(tmp_path / "absent" / "out.csv")]) == 2
    assert "absent/out.csv" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "x", "nan", "inf", "1e13"])
def test_a_number_is_finite_and_above_zero(text: str) -> None:
    with pytest.raises(CellError, match="a number above 0"):
        number({"share": text}, "share")


def test_a_blank_cell_and_an_absent_column_are_no_number() -> None:
    assert (number({"share": ""}, "share"), whole({}, "size"), flag({}, "eager")) == (None, None, False)


def test_a_flag_is_true_or_false() -> None:
    with pytest.raises(CellError, match="accepted: true or false"):
        flag({"enforce_eager": "maybe"}, "enforce_eager")


def test_a_measured_figure_that_cannot_be_read_is_none() -> None:
    assert measured({"kv": "n/a"}, "kv") is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("max_model_len", "8k"),
        ("gpu_memory_utilization", "1.5"),
        ("gpu_total_gib", "x"),
        ("dtype", "posit16"),
        ("kv_cache_dtype", "tiny"),
        ("quantization", "q4_k_m"),
        ("enforce_eager", "maybe"),
        ("gpu_model", "Voodoo2"),
        ("model_id", "acme/none"),
    ],
)
def test_every_column_of_the_memory_cases_is_named_when_it_means_nothing(
    column: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = BENCHMARKS["memory"]
    row = {**base.row, "case_id": "b", column: value}
    (only,) = base.answers(f"{','.join(row)}\n{','.join(row.values())}\n", tmp_path)
    assert ",".join(only.values()) == base.blank
    said = capsys.readouterr().err
    assert said.startswith(f"b: {column} is ")
    assert value in said


@pytest.mark.parametrize(
    ("name", "gib"),
    [
        ("NVIDIA A100-SXM4-80GB", 79.2),
        ("NVIDIA A100-SXM4-40GB", 39.45),
        ("GH200 96GB", 94.5),
        ("RTX4090", 23.53),
        ("NVIDIA RTX 6000 Ada Generation", 47),
    ],
)
def test_memory_follows_the_words_of_a_device(name: str, gib: float) -> None:
    assert device(name)[1] == pytest.approx(gib, abs=0.6)


@pytest.mark.parametrize("name", ["NVIDIA RTX A4000", "NVIDIA T400", "NVIDIA RTX A1000"])
def test_a_device_is_not_known_by_the_beginning_of_another_name(name: str) -> None:
    assert not known(name)
