"""Learning from engines: read what they say, judge it, remember it, and let it correct the next decision.

Start at `Learning`. Judging is `inferfleet.engine.calibration.judge` and `inferfleet.engine.calibration.out_of_memory`; nothing here moves what runs.
"""

from inferfleet.app.calibration.book import CalibrationBook
from inferfleet.app.calibration.calibrator import Calibrator, learned
from inferfleet.app.calibration.sources import sources
from inferfleet.app.calibration.storage import CalibrationStorage

__all__ = ["CalibrationBook", "CalibrationStorage", "Calibrator", "learned", "sources"]
