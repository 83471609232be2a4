"""Answer memory cases from a CSV file, and print how well we and other tools do where the answers are known.

Run: python -m benchmarks.memory --cases IN.csv --out OUT.csv [--plot FILE.svg]
"""

import argparse
import csv
from pathlib import Path

from benchmarks.memory.answers import Answer, ours
from benchmarks.memory.cases import Case, read_cases
from benchmarks.memory.peers import PEERS
from benchmarks.memory.report import counts, plot, table
from benchmarks.memory.scores import score

SHIPPED = Path(__file__).parent.parent / "data" / "vllm_memory_cases.csv"
COLUMNS = (
    "case_id", "weights_gib_per_gpu", "activation_peak_gib", "non_torch_gib", "cuda_graph_gib", "kv_cache_gib_per_gpu",
    "kv_cache_tokens", "max_concurrency", "verdict",
)  # fmt: skip


def main() -> None:
    """Read, answer, write, and print scores when the cases hold answers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--cases", type=Path, default=SHIPPED)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path, help="also draw the errors of the KV cache into this SVG file")
    arguments = parser.parse_args()
    cases = read_cases(arguments.cases)
    if arguments.out is not None:
        write(cases, arguments.out)
    if not any(case.row.get("outcome") or case.row.get("weights_gib_per_gpu") for case in cases):
        return
    scores = {"inferfleet": score(cases, ours), **{name: score(cases, peer) for name, peer in PEERS.items()}}
    print(table(scores))
    print(f"\n{counts(scores['inferfleet'])}")
    verdicts = scores["inferfleet"].verdicts
    print(f"false fits: {', '.join(verdicts.false_fits) or 'none'}")
    print(f"false refusals: {', '.join(verdicts.false_refusals) or 'none'}")
    if arguments.plot is not None:
        plot(scores, arguments.plot)


def write(cases: list[Case], path: Path) -> None:
    """Write one line for each case; an unknown model leaves its cells empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for case in cases:
            writer.writerow((case.case_id, *_cells(ours(case))))


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
    main()
