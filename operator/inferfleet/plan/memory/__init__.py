"""Does a model fit on a GPU, and how much KV cache is left: the memory model. Start at `estimate`."""

from inferfleet.plan.memory.answers import (
    Change,
    Remedy,
    fits_band,
    largest_concurrency,
    longest_context,
    remedies,
    smallest_tensor_parallel_size,
)
from inferfleet.plan.memory.correction import Correction
from inferfleet.plan.memory.divisibility import tensor_parallel_problem
from inferfleet.plan.memory.engine_log import EngineFigures, Failure, read_engine_log
from inferfleet.plan.memory.estimate import estimate
from inferfleet.plan.memory.formats import UnknownFormatError
from inferfleet.plan.memory.stated_size import size_problem

__all__ = [
    "Change",
    "Correction",
    "EngineFigures",
    "Failure",
    "Remedy",
    "UnknownFormatError",
    "estimate",
    "fits_band",
    "largest_concurrency",
    "longest_context",
    "read_engine_log",
    "remedies",
    "size_problem",
    "smallest_tensor_parallel_size",
    "tensor_parallel_problem",
]
