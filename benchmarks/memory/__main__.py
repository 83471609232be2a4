"""Answer memory cases from a CSV file, and print how well we and other tools do where the answers are known.

Run: python -m benchmarks.memory --cases IN.csv --out OUT.csv [--plot FILE.svg]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cases import Row, answer_rows, exit_status, read_rows, write_rows
from benchmarks.memory.answers import Answer, answer, ours
from benchmarks.memory.cases import REQUIRED, Case, read_case
from benchmarks.memory.peers import PEERS
from benchmarks.memory.report import counts, plot, table
from benchmarks.memory.scores import score

SHIPPED = Path(__file__).parent.parent / "data" / "vllm_memory_cases.csv"
COLUMNS = (
    "case_id", "weights_gib_per_gpu", "activation_peak_gib", "non_torch_gib", "cuda_graph_gib", "kv_cache_gib_per_gpu",
    "kv_cache_tokens", "max_concurrency", "verdict",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, answer, write, and print scores when the cases hold answers. Exit status 2: a file cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--cases", type=Path, default=SHIPPED)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path, help="also draw the errors of the KV cache into this SVG file")
    options = parser.parse_args(arguments)
    return exit_status(lambda: run(options.cases, options.out, options.plot))


def run(source: Path, out: Path | None, picture: Path | None) -> None:
    """Answer the cases of `source`. Raises CasesError, and OSError for files that cannot be written."""
    rows = read_rows(source, required=REQUIRED)
    answered = answer_rows(rows, _case_and_answer)
    if out is not None:
        write(rows, [pair and pair[1] for pair in answered], out)
    cases = [pair[0] for pair in answered if pair is not None]
    if any(case.row.get("outcome") or case.row.get("weights_gib_per_gpu") for case in cases):
        _report(cases, picture)


def _case_and_answer(row: Row) -> tuple[Case, Answer]:
    case = read_case(row)
    return case, answer(case)


def _report(cases: Sequence[Case], picture: Path | None) -> None:
    scores = {"inferfleet": score(cases, ours), **{name: score(cases, peer) for name, peer in PEERS.items()}}
    print(table(scores))
    print(f"\n{counts(scores['inferfleet'])}")
    verdicts = scores["inferfleet"].verdicts
    print(f"false fits: {', '.join(verdicts.false_fits) or 'none'}")
    print(f"false refusals: {', '.join(verdicts.false_refusals) or 'none'}")
    if picture is not None:
        plot(scores, picture)


def write(rows: Sequence[Row], answers: Sequence[Answer | None], path: Path) -> None:
    """Write one line for each row; one without an answer leaves its cells empty."""
    write_rows(path, COLUMNS, rows, [_cells(found) for found in answers])


def _cells(answer: Answer | None) -> tuple[str, ...]:
    if answer is None:
        return ("",) * (len(COLUMNS) - 1)
    terms = (
        answer.weights_gib,
        answer.activation_gib,
        answer.non_torch_gib,
        answer.cuda_graph_gib,
        answer.kv_cache_gib,
    )
    return (
        *(f"{term:.4f}" for term in terms if term is not None),
        str(answer.kv_cache_tokens),
        f"{answer.max_concurrency:.2f}",
        answer.fit.value,
    )


if __name__ == "__main__":
    sys.exit(main())
