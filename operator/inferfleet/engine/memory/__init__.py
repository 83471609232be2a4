"""Does a model fit on a GPU, and how much KV cache is left: the memory model. Start at `estimate`."""

from inferfleet.engine.memory.answers import Remedy, remedies
from inferfleet.engine.memory.divisibility import tensor_parallel_problem
from inferfleet.engine.memory.estimate import estimate
from inferfleet.engine.memory.formats import UnknownFormatError, canonical_method, weight_format
from inferfleet.engine.memory.stated_size import size_problem
from inferfleet.engine.memory.usable import usable_gib
from inferfleet.engine.memory.weights import checkpoint_bytes

__all__ = [
    "Remedy",
    "UnknownFormatError",
    "canonical_method",
    "checkpoint_bytes",
    "estimate",
    "remedies",
    "size_problem",
    "tensor_parallel_problem",
    "usable_gib",
    "weight_format",
]
