"""Writing the error summary of the speed benchmark as text, and its plot.

In: scored predictions per rule. Out: lines for the terminal and a picture. No arithmetic beyond what a table needs.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.throughput.score import (
    SETS,
    Scored,
    calibrated_errors,
    experimental,
    first_token_ratios,
    pair_order,
    steady,
    summarise,
)


def summary_lines(results: Mapping[str, Sequence[Scored]]) -> list[str]:
    """Return the table of errors, one line per set of rows and rule, and the three further scores of our own rule."""
    lines = [f"{'rows':<42}{'rule':<16}{'n':>6}{'median':>9}{'mean':>9}{'bias':>9}{'>30 % too high':>16}"]
    for title, chosen in SETS:
        for rule, scores in results.items():
            summary = summarise([score.error for score in scores if chosen(score.case)])
            if summary is not None:
                lines.append(
                    f"{title:<42}{rule:<16}{summary.rows:>6}{summary.median:>9.1%}{summary.mean:>9.1%}"
                    f"{summary.bias:>+9.1%}{summary.overestimates:>16.1%}"
                )
    closed = [score for score in results["ours"] if SETS[0][1](score.case)]
    return lines + _further_lines(closed)


def _further_lines(closed: Sequence[Scored]) -> list[str]:
    lines = []
    right, pairs = pair_order(closed)
    if pairs:
        lines.append(f"order of GPU pairs that differ by over 5 %: {right} of {pairs} right ({right / pairs:.1%})")
    after = summarise(calibrated_errors(closed))
    if after is not None:
        lines.append(f"after one live point: median {after.median:.1%}, mean {after.mean:.1%}")
    means, floors = first_token_ratios(closed)
    if means:
        lines.append(f"measured / predicted time to first token: {_quartiles(means)}")
        lines.append(f"measured / prefill floor of the planning rule: {_quartiles(floors)}")
    return lines


def _quartiles(values: Sequence[float]) -> str:
    ordered = sorted(values)
    low, middle, high = (ordered[min(len(ordered) - 1, len(ordered) * part // 4)] for part in (1, 2, 3))
    return f"quartiles {low:.2f}, {middle:.2f}, {high:.2f} over {len(ordered)} rows"


KINDS: tuple[tuple[str, Callable[[Scored], bool]], ...] = (
    ("dense", lambda score: score.case.model.experts is None and not experimental(score.case.row)),
    ("mixture of experts", lambda score: score.case.model.experts is not None and not experimental(score.case.row)),
    ("experimental campaign", lambda score: experimental(score.case.row)),
)


def plot(results: Mapping[str, Sequence[Scored]], path: Path) -> None:
    """Draw predicted against measured output rate of the closed-loop rows, one panel per rule."""
    import matplotlib as mpl  # noqa: PLC0415 - a development tool, not needed for the table

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, panels = plt.subplots(1, len(results), figsize=(4 * len(results), 4), sharex=True, sharey=True)
    for panel, (rule, scores) in zip(panels, results.items(), strict=True):
        closed = [score for score in scores if steady(score.case.row)]
        for label, belongs in KINDS:
            chosen = [score for score in closed if belongs(score)]
            panel.loglog(
                [score.rate for score in chosen],
                [score.prediction.output_tokens_per_second for score in chosen],
                ".",
                markersize=3,
                label=label,
            )
        panel.loglog([30, 1e5], [30, 1e5], "k-", linewidth=0.8)
        panel.set(title=rule, xlabel="measured output tokens/s")
    panels[0].set_ylabel("predicted output tokens/s")
    panels[0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
