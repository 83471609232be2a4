"""Run the speed model over measured cases: write one answer per case, print the errors where answers are present."""

import argparse
import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.throughput.cases import Case, Row, read_case, read_rows
from benchmarks.throughput.predict import PREDICTORS, Prediction, Predictor
from benchmarks.throughput.report import plot, summary_lines
from benchmarks.throughput.score import scored

SHIPPED = Path(__file__).parent.parent / "data" / "throughput_cases.csv"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark. Exit status 2: the input cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("--cases", type=Path, default=SHIPPED, help="CSV with the columns of the shipped cases")
    parser.add_argument("--out", type=Path, help="where to write case_id,out_tok_s,tpot_ms,confidence")
    parser.add_argument("--plot", type=Path, help="where to draw predicted against measured rates")
    options = parser.parse_args(arguments)
    try:
        rows = read_rows(options.cases)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    cases = {row["case_id"]: case for row in rows if (case := read_case(row)) is not None}
    answers = {name: answer_all(rule, cases) for name, rule in PREDICTORS.items()}
    if options.out is not None:
        write_answers(options.out, rows, answers["ours"])
    results = {
        name: scored((cases[case_id], answer) for case_id, answer in given.items()) for name, given in answers.items()
    }
    print(f"{len(rows)} rows, {len(rows) - len(cases)} of them without a known model, format, GPU or length")
    if any(results.values()):
        print("\n".join(summary_lines(results)))
    if options.plot is not None:
        plot(results, options.plot)
    return 0


def answer_all(rule: Predictor, cases: Mapping[str, Case]) -> dict[str, Prediction]:
    """Return the rule's answer per case; settings that the memory model refuses are named and left without one."""
    answers: dict[str, Prediction] = {}
    for case_id, case in cases.items():
        try:
            answers[case_id] = rule(case)
        except ValueError as error:
            print(f"{case_id}: {error}", file=sys.stderr)
    return answers


def write_answers(path: Path, rows: Sequence[Row], answers: Mapping[str, Prediction]) -> None:
    """Write one line per row in the order of the input; cells stay empty where no answer is known."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case_id", "out_tok_s", "tpot_ms", "confidence"])
        for row in rows:
            writer.writerow([row["case_id"], *_cells(answers.get(row["case_id"]))])


def _cells(answer: Prediction | None) -> list[str]:
    if answer is None:
        return ["", "", ""]
    return [
        f"{answer.output_tokens_per_second:.1f}",
        f"{answer.time_per_output_token_ms:.3f}",
        str(answer.confidence),
    ]


if __name__ == "__main__":
    sys.exit(main())
