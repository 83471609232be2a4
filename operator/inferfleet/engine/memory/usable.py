"""Usable memory of a GPU: what CUDA reports to a process, less than the driver's figure and than the name of the card.

In: a GPU type. Out: GiB. Pure.
"""

from inferfleet.domain.gpu import GPU

# Fitted to the totals of 16 kinds of cards in start-up logs (T4 to B200; worst miss 0.3 GiB): a fixed part for the
# driver and a share that grows with the card, e.g. 81,559 MiB -> 79.13 GiB (79.18 to 79.33 seen).
DRIVER_SHARE = 0.0015
DRIVER_GIB = 0.40


def usable_gib(gpu: GPU) -> float:
    """Return GiB that CUDA offers a process on an idle card: as measured, else derived from the driver's total."""
    if gpu.usable_gib is not None:
        return gpu.usable_gib
    return gpu.memory_gib * (1 - DRIVER_SHARE) - DRIVER_GIB
