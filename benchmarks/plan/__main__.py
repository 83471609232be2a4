"""Plan a fleet in one batch beside a fixed reference loop, and hold the planner against brute force on small worlds."""

import argparse
import json
import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.plan.small_worlds import disagreement
from benchmarks.plan.timing import timed

SHOWN = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark. Exit status 1: the planner and brute force disagree somewhere."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan", description=__doc__)
    parser.add_argument("--deployments", type=int, default=1000)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--pools", type=int, default=40)
    parser.add_argument("--shapes", type=int, default=50, help="distinct shapes, at most 50")
    parser.add_argument("--runs", type=int, default=3, help="processes, each of which plans cold and then warm")
    parser.add_argument("--worlds", type=int, default=10_000, help="random small worlds to compare with brute force")
    parser.add_argument("--out", type=Path, help="where to write the results as JSON")
    options = parser.parse_args(arguments)
    sizes = {name: getattr(options, name) for name in ("deployments", "nodes", "pools", "shapes")}
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as fresh:
        runs = [fresh.apply(timed, kwds=sizes) for _ in range(options.runs)]
    document = {**sizes, **best(runs), "bruteForce": compared(options.worlds)}
    if options.out is not None:
        options.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(document, indent=1))
    return 1 if document["bruteForce"]["disagreements"] else 0


def best(runs: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Return the run with the smallest ratio: what disturbs a run only ever makes it longer."""
    run = min(runs, key=lambda item: item["cold"] / item["reference"])
    return {
        "placed": run["placed"],
        "coldCPUSeconds": round(run["cold"], 4),
        "warmCPUSeconds": round(run["warm"], 4),
        "referenceCPUSeconds": round(run["reference"], 4),
        "coldToReference": round(run["cold"] / run["reference"], 2),
        "warmToReference": round(run["warm"] / run["reference"], 2),
        "runs": [{name: round(value, 4) for name, value in item.items()} for item in runs],
    }


def compared(worlds: int) -> dict[str, Any]:
    """Return in how many random small worlds the planner and brute force disagree, and the first few of them."""
    found = [text for seed in range(worlds) if (text := disagreement(seed)) is not None]
    return {"worlds": worlds, "disagreements": len(found), "first": found[:SHOWN]}


if __name__ == "__main__":
    sys.exit(main())
