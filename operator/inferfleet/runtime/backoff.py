"""How long to wait before the next attempt of something that failed.

In: how often it failed in a row. Out: seconds. Holds no state; the caller counts.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential growth with "full jitter over the upper half".

    The n-th failure waits between half of and the whole of min(longest, first x factor^(n-1)) seconds. Half a delay of
    jitter keeps retries of a thousand objects that failed together from arriving together (AWS Architecture Blog,
    "Exponential Backoff And Jitter"), and the lower half keeps a minimum distance.
    """

    first: float = 0.5
    longest: float = 60.0
    factor: float = 2.0

    def seconds(self, failures: int) -> float:
        """Return the delay after `failures` failures in a row (at least one), in seconds."""
        exponent = min(max(failures, 1) - 1, 32)
        delay = min(self.longest, self.first * self.factor**exponent)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - spreading load needs no secret
