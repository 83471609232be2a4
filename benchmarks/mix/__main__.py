"""Choose a GPU mix for every published setting of Melange; write and print it beside the paper's own figures."""

import argparse
import json
import sys
from collections.abc import Sequence
from decimal import Decimal
from itertools import product
from math import ceil
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.mix.settings import PRICES, SHIPPED, Setting, read_settings
from inferfleet.plan.choice.mix_solver import COVERAGE_TOLERANCE, Mix, ReplicaKind, cheapest_mix

USERS_LIMIT = 2  # GPU types that the product mixes without a router that knows request sizes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark. Exit status 2: the table cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mix", description=__doc__)
    parser.add_argument("--tables", type=Path, default=SHIPPED, help="CSV of the published allocations")
    parser.add_argument("--out", type=Path, help="where to write the results as JSON")
    options = parser.parse_args(arguments)
    try:
        settings = read_settings(options.tables)
    except (OSError, KeyError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    results = [compare(setting) for setting in settings]
    document = {"summary": summarise(results), "settings": results}
    if options.out is not None:
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    for result in results:
        print(_line(result))
    print(json.dumps(document["summary"]))
    return 0


def compare(setting: Setting) -> dict[str, Any]:
    """Return our cost for one setting beside brute force, the paper's solvers and the best single GPU type."""
    ours = _solve(setting, len(setting.capacities))
    two = _solve(setting, USERS_LIMIT)
    single, single_cost = setting.best_single
    melange = setting.published["melange"]
    return {
        "setting": setting.workload,
        "tpotSLOMilliseconds": setting.tpot_slo_ms,
        "requestsPerSecond": setting.requests_per_second,
        "capacities": {name: round(rate, 6) for name, rate in setting.capacities.items()},
        "ours": {"replicas": dict(ours.counts), "usdPerHour": float(ours.usd_per_hour)},
        "oursAtMostTwoTypes": {"replicas": dict(two.counts), "usdPerHour": float(two.usd_per_hour)},
        "bruteForceUSDPerHour": float(brute_force(setting)),
        "bestSingle": {"gpu": single, "usdPerHour": float(single_cost)},
        "published": {solver: float(cost) for solver, cost in sorted(setting.published.items())},
        "savingAgainstBestSinglePercent": _percent(1 - ours.usd_per_hour / single_cost),
        "gapToMelangePercent": _percent(ours.usd_per_hour / melange - 1),
    }


def summarise(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Count the settings at most at the best single type and those equal to brute force; average the gaps."""
    savings = [result["savingAgainstBestSinglePercent"] for result in results]
    gaps = [result["gapToMelangePercent"] for result in results]
    return {
        "settings": len(results),
        "atMostBestSingle": sum(r["ours"]["usdPerHour"] <= r["bestSingle"]["usdPerHour"] for r in results),
        "atMostBestSingleWithTwoTypes": sum(
            r["oursAtMostTwoTypes"]["usdPerHour"] <= r["bestSingle"]["usdPerHour"] for r in results
        ),
        "equalToBruteForce": sum(r["ours"]["usdPerHour"] == r["bruteForceUSDPerHour"] for r in results),
        "meanSavingAgainstBestSinglePercent": round(mean(savings), 2),
        "medianSavingAgainstBestSinglePercent": round(median(savings), 2),
        "meanGapToMelangePercent": round(mean(gaps), 2),
        "medianGapToMelangePercent": round(median(gaps), 2),
    }


def brute_force(setting: Setting) -> Decimal:
    """Return the cheapest cost over all counts of all types; the last type fills what is missing."""
    *others, last = sorted(setting.capacities, key=lambda name: PRICES[name], reverse=True)
    enough = setting.requests_per_second * (1 - COVERAGE_TOLERANCE)
    ranges = [range(_needed(enough, setting.capacities[name]) + 1) for name in others]
    return min(
        sum((PRICES[name] * count for name, count in zip(others, counts, strict=True)), Decimal(0))
        + PRICES[last] * _needed(enough - _served(setting, others, counts), setting.capacities[last])
        for counts in product(*ranges)
    )


def _served(setting: Setting, names: Sequence[str], counts: Sequence[int]) -> float:
    return sum(setting.capacities[name] * count for name, count in zip(names, counts, strict=True))


def _needed(rate: float, capacity: float) -> int:
    return max(0, ceil(rate / capacity))


def _solve(setting: Setting, most_kinds: int) -> Mix:
    options = [
        ReplicaKind(name=name, requests_per_second=capacity, usd_per_hour=PRICES[name])
        for name, capacity in setting.capacities.items()
    ]
    mix = cheapest_mix(options, setting.requests_per_second, most_kinds=most_kinds)
    assert mix is not None  # without bounds on the counts every rate can be served
    return mix


def _percent(share: Decimal) -> float:
    return round(float(share) * 100, 2)


def _line(result: dict[str, Any]) -> str:
    ours = ", ".join(f"{count} x {name}" for name, count in result["ours"]["replicas"].items())
    single = result["bestSingle"]
    return (
        f"{result['setting']:<7}{result['tpotSLOMilliseconds']:>4} ms{result['requestsPerSecond']:>5.0f}/s  "
        f"ours {result['ours']['usdPerHour']:>8.2f} ({ours})  "
        f"best single {single['usdPerHour']:>8.2f} ({single['gpu']})  "
        f"melange {result['published']['melange']:>8.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
