"""Calibration by running engines: read what they say, have it judged, keep it, and let it change the next decision.

Start at `Calibrator`. `inferfleet.engine.calibration` judges; nothing here moves what runs.
"""

from inferfleet.app.calibration.book import CalibrationBook
from inferfleet.app.calibration.calibrator import Calibrator, calibrated
from inferfleet.app.calibration.sources import sources
from inferfleet.app.calibration.storage import CalibrationStorage

__all__ = ["CalibrationBook", "CalibrationStorage", "Calibrator", "calibrated", "sources"]
