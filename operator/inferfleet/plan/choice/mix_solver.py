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
class ReplicaKind:
    """One kind of replica: a GPU type, tensor parallel size, pool and capacity type under one name.

    `most` bounds the replicas (capacity, quota); None: unbounded. Of the kinds in one `group` (not empty), such as
    those of one GPU type, a mix uses at most one.
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


def cheapest_mix(kinds: Sequence[ReplicaKind], requests_per_second: float, *, most_kinds: int = 2) -> Mix | None:
    """Return the cheapest whole numbers of replicas, of at most `most_kinds` kinds, that together serve the rate.

    Ties go to fewer GPUs; kinds are taken in the order of their names, so the same kinds in any order give the
    same mix. Returns None when no combination is enough. Raises ValueError for a rate, price or bound that is not
    usable.
    """
    _check(kinds, requests_per_second, most_kinds)
    usable = sorted((kind for kind in kinds if kind.requests_per_second > 0), key=attrgetter("name"))
    if requests_per_second == 0 or not usable:
        return _mix(usable, [0] * len(usable)) if requests_per_second == 0 else None
    problem = _Problem(usable, requests_per_second, most_kinds)
    cheapest = problem.solve([float(kind.usd_per_hour) for kind in usable])
    if cheapest is None:
        return None
    budget = float(_mix(usable, cheapest).usd_per_hour) + HALF_MICRO_USD
    problem.cap([float(kind.usd_per_hour) for kind in usable], budget)
    return _mix(usable, problem.solve([float(kind.gpus) for kind in usable]) or cheapest)


class _Problem:
    """Counts n, uses u in {0, 1}; sum n r >= rate, n <= bound u, sum u <= most_kinds, at most one u per group."""

    def __init__(self, kinds: Sequence[ReplicaKind], rate: float, most_kinds: int) -> None:
        self._size = len(kinds)
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
        bounds = [_most(kind, rate) for kind in kinds]
        for bound in [*bounds, *([1] * self._size)]:
            self._highs.addVar(0.0, float(bound))
        for column in range(2 * self._size):
            self._highs.changeColIntegrality(column, highspy.HighsVarType.kInteger)
        shares = [kind.requests_per_second / rate for kind in kinds]
        self._row(1 - COVERAGE_TOLERANCE, highspy.kHighsInf, dict(enumerate(shares)))
        for index, bound in enumerate(bounds):
            self._row(-highspy.kHighsInf, 0.0, {index: 1.0, self._size + index: -float(bound)})
        self._row(-highspy.kHighsInf, float(most_kinds), {self._size + index: 1.0 for index in range(self._size)})
        for group in sorted({kind.group for kind in kinds} - {""}):
            members = [index for index, kind in enumerate(kinds) if kind.group == group]
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


def _most(kind: ReplicaKind, rate: float) -> int:
    enough = math.ceil(rate / kind.requests_per_second * (1 + COVERAGE_TOLERANCE))
    return enough if kind.most is None else min(enough, kind.most)


def _mix(kinds: Sequence[ReplicaKind], counts: Sequence[int]) -> Mix:
    used = [(kind, count) for kind, count in zip(kinds, counts, strict=True) if count]
    return Mix(
        counts=tuple((kind.name, count) for kind, count in used),
        usd_per_hour=sum((kind.usd_per_hour * count for kind, count in used), Decimal(0)),
        requests_per_second=sum(kind.requests_per_second * count for kind, count in used),
        gpus=sum(kind.gpus * count for kind, count in used),
    )


def _check(kinds: Sequence[ReplicaKind], rate: float, most_kinds: int) -> None:
    if not (math.isfinite(rate) and rate >= 0):
        raise ValueError(f"requests_per_second is {rate}; accepted: a finite number of 0 or more")
    if most_kinds < 1:
        raise ValueError(f"most_kinds is {most_kinds}; accepted: 1 or more")
    names = [kind.name for kind in kinds]
    if len(set(names)) != len(names):
        raise ValueError(f"kind names repeat: {', '.join(sorted(names))}; each must be unique")
    for kind in kinds:
        if not (math.isfinite(kind.requests_per_second) and kind.requests_per_second >= 0):
            raise ValueError(f"kind {kind.name}: requests_per_second is {kind.requests_per_second}")
        if not (kind.usd_per_hour.is_finite() and kind.usd_per_hour >= 0):
            raise ValueError(f"kind {kind.name}: usd_per_hour is {kind.usd_per_hour}; accepted: 0 or more")
        if kind.most is not None and kind.most < 0:
            raise ValueError(f"kind {kind.name}: most is {kind.most}; accepted: 0 or more")
