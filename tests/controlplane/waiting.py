"""The one way tests wait: poll a condition until it holds, and say what was last seen when it does not.

In: a function without arguments. Out: its first truthy value. Must not be used to measure time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import tenacity

Value = TypeVar("Value")

_NOT_YET = (AssertionError, LookupError, ValueError)


def eventually(
    condition: Callable[[], Value | None],
    timeout: float = 30.0,
    *,
    interval: float = 0.1,
    describe: str = "",
) -> Value:
    """Return the first truthy result of `condition`, polled every `interval` seconds for at most `timeout` seconds.

    An AssertionError, LookupError (an object that is not there yet is one) or ValueError (`(pod,) = ...` of an empty
    list) inside the condition counts as "not yet", so a condition may say plainly what it expects. Raises
    AssertionError with the last value or error when the time is over.
    """
    last: list[object] = [None]

    def attempt() -> Value | None:
        try:
            value = condition()
        except _NOT_YET as error:
            last[0] = error
            raise
        last[0] = value
        return value

    poll = tenacity.Retrying(
        stop=tenacity.stop_after_delay(timeout),
        wait=tenacity.wait_fixed(interval),
        retry=tenacity.retry_if_exception_type(_NOT_YET) | tenacity.retry_if_result(lambda value: not value),
    )
    try:
        value = poll(attempt)
    except tenacity.RetryError as error:
        what = describe or getattr(condition, "__name__", "condition")
        raise AssertionError(f"{what} did not hold within {timeout:g} s; last seen: {last[0]!r}") from error
    assert value is not None
    return value
