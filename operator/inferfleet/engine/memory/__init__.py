"""Does a model fit on a GPU, and how much KV cache is left: the memory model. Start at `estimate`."""

from inferfleet.engine.memory.answers import (
    Change,
    Remedy,
    fits_band,
    largest_concurrency,
    longest_context,
    remedies,
    smallest_tensor_parallel_size,
)
from inferfleet.engine.memory.correction import Correction
from inferfleet.engine.memory.divisibility import tensor_parallel_problem
from inferfleet.engine.memory.estimate import estimate
from inferfleet.engine.memory.formats import UnknownFormatError
from inferfleet.engine.memory.stated_size import size_problem

__all__ = [
    "Change",
    "Correction",
    "Remedy",
    "UnknownFormatError",
    "estimate",
    "fits_band",
    "largest_concurrency",
    "longest_context",
    "remedies",
    "size_problem",
    "smallest_tensor_parallel_size",
    "tensor_parallel_problem",
]
