"""How fast one replica is: the speed model. Start at `estimate`; `at_concurrency` answers for a fixed load."""

from inferfleet.engine.throughput.calibration import (
    CounterSnapshot,
    Rejected,
    SpeedCalibration,
    Window,
    calibrate,
    window,
)
from inferfleet.engine.throughput.steady import LoadPoint, at_concurrency, estimate

__all__ = [
    "CounterSnapshot",
    "LoadPoint",
    "Rejected",
    "SpeedCalibration",
    "Window",
    "at_concurrency",
    "calibrate",
    "estimate",
    "window",
]
