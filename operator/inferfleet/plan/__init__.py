"""Decide which GPUs, how many replicas, at what cost, within which budget, and why. Pure functions over values."""

from inferfleet.plan.admission.backoff import SCHEDULE_TIMEOUT
from inferfleet.plan.decide import decide

__all__ = ["SCHEDULE_TIMEOUT", "decide"]
