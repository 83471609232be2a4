"""What running engines say, held against the estimates: reading, judging and finding calibrations.

Figures come in from a log, a termination message, metrics or windows of counters. `from_log`, `from_cache` and
`from_windows` judge them, `read_out_of_memory` finds that the memory ran out, and `relevant` with its neighbours finds
what counts for a new decision. Where figures come from, and whose may count, is the caller's business.
"""

from inferfleet.engine.calibration.engine_log import read_engine_log
from inferfleet.engine.calibration.judge import Setting, from_cache, from_log, from_windows, is_material, merged
from inferfleet.engine.calibration.look_up import (
    Calibrations,
    all_out_of_memory_at,
    memory_calibration,
    out_of_memory_at,
    relevant,
    speed_calibration,
)
from inferfleet.engine.calibration.out_of_memory import OutOfMemory, read_out_of_memory

__all__ = [
    "Calibrations",
    "OutOfMemory",
    "Setting",
    "all_out_of_memory_at",
    "from_cache",
    "from_log",
    "from_windows",
    "is_material",
    "memory_calibration",
    "merged",
    "out_of_memory_at",
    "read_engine_log",
    "read_out_of_memory",
    "relevant",
    "speed_calibration",
]
