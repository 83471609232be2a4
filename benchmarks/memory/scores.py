"""How well an estimator's answers match what the engines printed.

In: cases with answers, an estimator. Out: `Score`. Rows say themselves what to leave out (`exclude_from_scoring`);
start-ups that differ only in length count once for weights and pool. A verdict of too close is neither right nor wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from benchmarks.cases import measured
from benchmarks.memory.answers import Answer, Estimator
from benchmarks.memory.cases import Case, duplicates
from inferfleet.domain.memory import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Relative errors in per cent, signed, by case."""

    by_case: dict[str, float]

    @property
    def count(self) -> int:
        """Number of cases."""
        return len(self.by_case)

    @property
    def mean(self) -> float:
        """Mean absolute error in per cent."""
        return fmean(map(abs, self.by_case.values())) if self.by_case else 0.0

    @property
    def median(self) -> float:
        """Median absolute error in per cent."""
        return median(map(abs, self.by_case.values())) if self.by_case else 0.0

    def within(self, limit: float) -> float:
        """Share of cases whose absolute error is at most `limit` per cent."""
        return fmean(abs(error) <= limit for error in self.by_case.values()) if self.by_case else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """Counted decisions. `right` and the two kinds of wrong are outside the band."""

    right: int
    too_close: int
    false_fits: tuple[str, ...]
    false_refusals: tuple[str, ...]

    @property
    def count(self) -> int:
        """All decisions."""
        return self.right + self.too_close + len(self.false_fits) + len(self.false_refusals)

    @property
    def accuracy(self) -> float:
        """Share of right decisions outside the band."""
        decided = self.count - self.too_close
        return self.right / decided if decided else 1.0

    @property
    def band(self) -> float:
        """Share of decisions that were too close to call."""
        return self.too_close / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Everything that is counted about one estimator."""

    weights: Errors
    pool: Errors
    pool_first_generation: Errors
    verdicts: Verdicts


def score(cases: Sequence[Case], estimator: Estimator) -> Score:
    """Compare an estimator with the answers in the cases."""
    repeated = duplicates(cases)
    answered = [(case, answer) for case in cases if (answer := estimator(case)) is not None]
    distinct = [(case, answer) for case, answer in answered if case.case_id not in repeated]
    pools = {
        case.case_id: _error(answer.kv_cache_gib, seen)
        for case, answer in distinct
        if (seen := _seen(case, "kv_cache_gib_per_gpu", "kv")) is not None
    }
    first = {case.case_id for case, _ in distinct if case.row.get("engine") == "V0"}
    return Score(
        weights=Errors(
            by_case={
                case.case_id: _error(answer.weights_gib, seen)
                for case, answer in distinct
                if (seen := _seen(case, "weights_gib_per_gpu", "weights")) is not None
            }
        ),
        pool=Errors(by_case={name: error for name, error in pools.items() if name not in first}),
        pool_first_generation=Errors(by_case={name: error for name, error in pools.items() if name in first}),
        verdicts=_verdicts(answered),
    )


def _verdicts(answered: Sequence[tuple[Case, Answer]]) -> Verdicts:
    right = too_close = 0
    false_fits, false_refusals = [], []
    for case, answer in answered:
        outcome = case.row.get("outcome", "")
        if not outcome or "fit:" in case.row.get("exclude_from_scoring", ""):
            continue
        started = outcome == "fits"
        if answer.fit is Fit.TOO_CLOSE:
            too_close += 1
        elif (answer.fit is Fit.FITS) == started:
            right += 1
        elif started:
            false_refusals.append(case.case_id)
        else:
            false_fits.append(case.case_id)
    return Verdicts(
        right=right, too_close=too_close, false_fits=tuple(false_fits), false_refusals=tuple(false_refusals)
    )


def _seen(case: Case, column: str, kind: str) -> float | None:
    return measured(case.row, column) if f"{kind}:" not in case.row.get("exclude_from_scoring", "") else None


def _error(estimated: float, seen: float) -> float:
    return 100 * (estimated - seen) / seen
