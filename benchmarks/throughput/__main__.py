"""Run the speed model over measured cases: write one answer per case, print the errors where answers are present."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cases import Row, answer_rows, exit_status, read_rows, write_rows
from benchmarks.throughput.cases import REQUIRED, Case, read_case
from benchmarks.throughput.predict import RULES, Prediction, ours
from benchmarks.throughput.report import plot, summary_lines
from benchmarks.throughput.score import scored
from inferfleet.api.enums import Confidence

SHIPPED = Path(__file__).parent.parent / "data" / "throughput_cases.csv"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark. Exit status 2: the input cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("--cases", type=Path, default=SHIPPED, help="CSV with the columns of the shipped cases")
    parser.add_argument("--out", type=Path, help="where to write case_id,out_tok_s,tpot_ms,confidence")
    parser.add_argument("--plot", type=Path, help="where to draw predicted against measured rates")
    options = parser.parse_args(arguments)
    return exit_status(lambda: run(options.cases, options.out, options.plot))


def run(source: Path, out: Path | None, picture: Path | None) -> None:
    """Answer the cases of `source`. Raises CasesError, and OSError for files that cannot be written."""
    rows = read_rows(source, required=REQUIRED)
    answered = answer_rows(rows, _case_and_answer)
    if out is not None:
        write_answers(out, rows, [pair and pair[1] for pair in answered])
    found = [pair for pair in answered if pair is not None]
    peers = {name: scored((case, rule(case)) for case, _ in found) for name, rule in RULES.items()}
    results = {"ours": scored(found), **peers}
    print(f"{len(rows)} rows, {len(rows) - len(found)} of them without an answer")
    if any(results.values()):
        print("\n".join(summary_lines(results)))
    if picture is not None:
        plot(results, picture)


def _case_and_answer(row: Row) -> tuple[Case, Prediction]:
    case = read_case(row)
    return case, ours(case)


def write_answers(path: Path, rows: Sequence[Row], answers: Sequence[Prediction | None]) -> None:
    """Write one line per row in the order of the input; without an answer the figures are blank and confidence Low."""
    columns = ("case_id", "out_tok_s", "tpot_ms", "confidence")
    write_rows(path, columns, rows, [_cells(answer) for answer in answers])


def _cells(answer: Prediction | None) -> list[str]:
    if answer is None:
        return ["", "", str(Confidence.LOW)]
    return [
        f"{answer.output_tokens_per_second:.1f}",
        f"{answer.time_per_output_token_ms:.3f}",
        str(answer.confidence),
    ]


if __name__ == "__main__":
    sys.exit(main())
