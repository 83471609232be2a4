"""How the batch worker's end is told to Kubernetes: the Job's failure policy reads these numbers.

Numbers of `sysexits.h` where it has one, so that they never mean a signal or Python's own exit codes.
"""

DONE = 0
BAD_INPUT = 65
"""EX_DATAERR: the input or the arguments can never work; a retry would only cost money."""
TRY_AGAIN = 75
"""EX_TEMPFAIL: something outside failed; finished lines are kept and a retry goes on from there."""
INTERRUPTED = 143
"""128 + SIGTERM: told to stop; finished lines are kept."""
