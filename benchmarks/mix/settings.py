"""The settings of the Melange paper (arXiv 2404.14527, appendix C, tables 3 to 8): workloads, rates, allocations.

In: the table beside the benchmarks. Out: `Setting` values with the capacity of one GPU of each type. That paper
publishes no capacities; they follow from its single-type rows: n GPUs serving a rate R means that one GPU serves at
least R / n, and the largest such figure over a workload's rates explains every single-type row at or below its
published count.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

GPU_NAMES = ("L4", "A10G", "A100", "H100")
# USD per hour that the paper uses; source: the same tables.
PRICES = {"L4": Decimal("0.70"), "A10G": Decimal("1.01"), "A100": Decimal("3.67"), "H100": Decimal("7.516")}
SHIPPED = Path(__file__).parent.parent / "data" / "melange_tables.csv"
SINGLE = "-only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One workload at one latency target and rate.

    `capacities`: requests per second of one GPU, for the types whose single-type rows are published. `published`: USD
    per hour of every solver in the paper, `melange` among them.
    """

    workload: str
    tpot_slo_ms: int
    requests_per_second: float
    capacities: Mapping[str, float]
    published: Mapping[str, Decimal]

    @property
    def best_single(self) -> tuple[str, Decimal]:
        """The cheapest published single-type allocation: its GPU name and USD per hour."""
        single = {name.removesuffix(SINGLE): cost for name, cost in self.published.items() if name.endswith(SINGLE)}
        return min(single.items(), key=lambda item: (item[1], item[0]))


def read_settings(path: Path = SHIPPED) -> list[Setting]:
    """Read all settings in the order of workload, target and rate."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    capacities = _capacities(rows)
    grouped: dict[tuple[str, int, float], dict[str, Decimal]] = defaultdict(dict)
    for row in rows:
        key = (row["setting"], int(row["tpot_slo_ms"]), float(row["rate_req_s"]))
        grouped[key][row["solver"]] = Decimal(row["usd_per_h"])
    return [
        Setting(
            workload=workload,
            tpot_slo_ms=target,
            requests_per_second=rate,
            capacities=capacities[workload, target],
            published=published,
        )
        for (workload, target, rate), published in sorted(grouped.items())
    ]


def _capacities(rows: Sequence[Mapping[str, str]]) -> dict[tuple[str, int], dict[str, float]]:
    found: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for row in rows:
        name = row["solver"].removesuffix(SINGLE)
        if name not in GPU_NAMES:
            continue
        by_name = found[row["setting"], int(row["tpot_slo_ms"])]
        by_name[name] = max(by_name.get(name, 0.0), float(row["rate_req_s"]) / int(row[name]))
    return found
