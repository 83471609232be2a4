"""Does a model fit on a GPU, and how much KV cache is left: the memory model. Start at `estimate`."""

from inferfleet.plan.memory.correction import Correction
from inferfleet.plan.memory.divisibility import tensor_parallel_problem
from inferfleet.plan.memory.estimate import estimate
from inferfleet.plan.memory.formats import UnknownFormatError

__all__ = ["Correction", "UnknownFormatError", "estimate", "tensor_parallel_problem"]
