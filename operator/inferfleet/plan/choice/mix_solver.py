"""Choosing replica counts over several kinds of replicas so that a rate is served at least cost.

In: what one replica of each kind serves and costs, and the rate. Out: a `Mix`, or None when the kinds cannot serve
it. Exact: an integer program solved by HiGHS to no gap, ties to fewer GPUs. Whether a mix is worth having against one
kind is the caller's rule, and so is the Service in front: it spreads requests by capacity and does not know their
sizes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter

import highspy

# A rate is never known to one part in ten million; the solver's own tolerance is a hundred times finer.
COVERAGE_TOLERANCE = 1e-7
SOLVER_TOLERANCE = 1e-9
HALF_MICRO_USD = 5e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class MixOption:
    """One kind of replica: a GPU type, tensor parallel size, pool and capacity type under one name.

    `most` bounds the replicas (stock, quota); None: unbounded. Of the kinds in one `group` (not empty), such as those
    of one GPU type, a mix uses at most one.
    """

    name: str
    requests_per_second: float
    usd_per_hour: Decimal
    gpus: int = 1
    most: int | None = None
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Replicas of each kind that is used, by name, and what they cost and serve together."""

    counts: tuple[tuple[str, int], ...]
    usd_per_hour: Decimal
    requests_per_second: float
    gpus: int


def cheapest_mix(options: Sequence[MixOption], requests_per_second: float, *, most_kinds: int = 2) -> Mix | None:
    """Return the cheapest whole numbers of replicas, of at most `most_kinds` kinds, that together serve the rate.

    Ties go to fewer GPUs; options are taken in the order of their names, so the same options in any order give the
    same mix. Returns None when no combination is enough. Raises ValueError for a rate, price or bound that is not
    usable.
    """
    _check(options, requests_per_second, most_kinds)
    usable = sorted((option for option in options if option.requests_per_second > 0), key=attrgetter("name"))
    if requests_per_second == 0 or not usable:
        return _mix(usable, [0] * len(usable)) if requests_per_second == 0 else None
    problem = _Problem(usable, requests_per_second, most_kinds)
    cheapest = problem.solve([float(option.usd_per_hour) for option in usable])
    if cheapest is None:
        return None
    budget = float(_mix(usable, cheapest).usd_per_hour) + HALF_MICRO_USD
    problem.cap([float(option.usd_per_hour) for option in usable], budget)
    return _mix(usable, problem.solve([float(option.gpus) for option in usable]) or cheapest)


class _Problem:
    """Counts n, uses u in {0, 1}; sum n r >= rate, n <= bound u, sum u <= most_kinds, at most one u per group."""

    def __init__(self, options: Sequence[MixOption], rate: float, most_kinds: int) -> None:
        self._size = len(options)
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call] # highspy does not annotate its constructor
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("random_seed", 0),
            ("mip_rel_gap", 0.0),
            ("mip_abs_gap", 0.0),
            ("mip_feasibility_tolerance", SOLVER_TOLERANCE),
            ("primal_feasibility_tolerance", SOLVER_TOLERANCE),
        ):
            self._highs.setOptionValue(name, value)
        bounds = [_most(option, rate) for option in options]
        for bound in [*bounds, *([1] * self._size)]:
            self._highs.addVar(0.0, float(bound))
        for column in range(2 * self._size):
            self._highs.changeColIntegrality(column, highspy.HighsVarType.kInteger)
        shares = [option.requests_per_second / rate for option in options]
        self._row(1 - COVERAGE_TOLERANCE, highspy.kHighsInf, dict(enumerate(shares)))
        for index, bound in enumerate(bounds):
            self._row(-highspy.kHighsInf, 0.0, {index: 1.0, self._size + index: -float(bound)})
        self._row(-highspy.kHighsInf, float(most_kinds), {self._size + index: 1.0 for index in range(self._size)})
        for group in sorted({option.group for option in options} - {""}):
            members = [index for index, option in enumerate(options) if option.group == group]
            self._row(-highspy.kHighsInf, 1.0, {self._size + index: 1.0 for index in members})

    def cap(self, weights: Sequence[float], limit: float) -> None:
        """Demand that a weighted sum of the counts stays at or below a limit."""
        self._row(-highspy.kHighsInf, limit, dict(enumerate(weights)))

    def solve(self, weights: Sequence[float]) -> list[int] | None:
        """Return the counts that minimise their weighted sum, None when there are none."""
        for column, weight in enumerate(weights):
            self._highs.changeColCost(column, weight)
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return [round(value) for value in self._highs.getSolution().col_value[: self._size]]

    def _row(self, low: float, high: float, weights: dict[int, float]) -> None:
        self._highs.addRow(low, high, len(weights), list(weights), list(weights.values()))


def _most(option: MixOption, rate: float) -> int:
    enough = math.ceil(rate / option.requests_per_second * (1 + COVERAGE_TOLERANCE))
    return enough if option.most is None else min(enough, option.most)


def _mix(options: Sequence[MixOption], counts: Sequence[int]) -> Mix:
    used = [(option, count) for option, count in zip(options, counts, strict=True) if count]
    return Mix(
        counts=tuple((option.name, count) for option, count in used),
        usd_per_hour=sum((option.usd_per_hour * count for option, count in used), Decimal(0)),
        requests_per_second=sum(option.requests_per_second * count for option, count in used),
        gpus=sum(option.gpus * count for option, count in used),
    )


def _check(options: Sequence[MixOption], rate: float, most_kinds: int) -> None:
    if not (math.isfinite(rate) and rate >= 0):
        raise ValueError(f"requests_per_second is {rate}; accepted: a finite number of 0 or more")
    if most_kinds < 1:
        raise ValueError(f"most_kinds is {most_kinds}; accepted: 1 or more")
    names = [option.name for option in options]
    if len(set(names)) != len(names):
        raise ValueError(f"option names repeat: {', '.join(sorted(names))}; each must be unique")
    for option in options:
        if not (math.isfinite(option.requests_per_second) and option.requests_per_second >= 0):
            raise ValueError(f"option {option.name}: requests_per_second is {option.requests_per_second}")
        if not (option.usd_per_hour.is_finite() and option.usd_per_hour >= 0):
            raise ValueError(f"option {option.name}: usd_per_hour is {option.usd_per_hour}; accepted: 0 or more")
        if option.most is not None and option.most < 0:
            raise ValueError(f"option {option.name}: most is {option.most}; accepted: 0 or more")
