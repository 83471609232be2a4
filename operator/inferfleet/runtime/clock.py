"""The one place that reads the wall clock, so that everything else can be given a time.

In: nothing. Out: aware UTC times. Must not be imported by code that decides or renders.
"""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)
