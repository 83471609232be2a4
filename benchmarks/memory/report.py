"""The scores as a table and as a picture.

In: scores by estimator. Out: text, and files where asked.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot

from benchmarks.memory.scores import Score

HEADER = (
    "estimator", "weights mean / median %", "within 1 %", "KV GiB (V1) mean / median %", "within 5 %",
    "right outside the band", "too close", "false fits", "false refusals",
)  # fmt: skip


def table(scores: Mapping[str, Score]) -> str:
    """Return a Markdown table, one line per estimator."""
    lines = [_line(HEADER), _line(["---"] * len(HEADER))]
    lines += [_line(_cells(name, score)) for name, score in scores.items()]
    return "\n".join(lines)


def _cells(name: str, score: Score) -> Sequence[str]:
    verdicts = score.verdicts
    return (
        name,
        f"{score.weights.mean:.2f} / {score.weights.median:.2f}",
        f"{score.weights.within(1):.0%}",
        f"{score.pool.mean:.1f} / {score.pool.median:.1f}",
        f"{score.pool.within(5):.0%}",
        f"{verdicts.accuracy:.1%}",
        f"{verdicts.band:.1%}",
        str(len(verdicts.false_fits)),
        str(len(verdicts.false_refusals)),
    )


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def counts(score: Score) -> str:
    """Return how many cases each column of the table rests on."""
    return (
        f"{score.weights.count} weights, {score.pool.count} pools of V1 and {score.pool_first_generation.count} of V0, "
        f"{score.verdicts.count} decisions"
    )


def plot(scores: Mapping[str, Score], path: Path) -> None:
    """Draw, for each estimator, the share of cases below each error of the KV cache."""
    mpl.use("Agg")
    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    for name, score in scores.items():
        errors = sorted(abs(error) for error in score.pool.by_case.values())
        shares = [100 * (rank + 1) / len(errors) for rank in range(len(errors))]
        axes.step(errors, shares, where="post", label=name, linewidth=2.5 if name == "inferfleet" else 1.3)
    axes.set_xscale("log")
    axes.set_xlim(0.01, 200)
    axes.set_ylim(0, 100)
    axes.set_xlabel("error of the KV cache in GiB per GPU, per cent of what vLLM printed")
    axes.set_ylabel("share of start-ups with at most this error, per cent")
    axes.set_title("How close estimators come to vLLM's own KV cache (V1 engines)")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(loc="upper left", fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)
