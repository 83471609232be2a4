"""How fast one replica is: the speed model. Start at `estimate`; `at_concurrency` answers for a fixed load."""

from inferfleet.engine.throughput.footprint import footprint
from inferfleet.engine.throughput.steady import LoadPoint, at_concurrency, estimate
from inferfleet.engine.throughput.windows import SHORTEST_WINDOW_SECONDS, CounterSnapshot, Window, calibrate, window

__all__ = [
    "SHORTEST_WINDOW_SECONDS",
    "CounterSnapshot",
    "LoadPoint",
    "Window",
    "at_concurrency",
    "calibrate",
    "estimate",
    "footprint",
    "window",
]
