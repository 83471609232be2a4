"""The answer to "does it fit?": every term of vLLM's own start-up arithmetic, per GPU, in GiB."""

from dataclasses import dataclass
from enum import StrEnum

from inferfleet.api.enums import Confidence

MIB = 2**20
"""Bytes of a MiB."""
GIB = 2**30
"""Bytes of a GiB."""


class Fit(StrEnum):
    """Verdict of the memory model. `TooClose` lies within the error of the estimate."""

    FITS = "Fits"
    TOO_CLOSE = "TooClose"
    DOES_NOT_FIT = "DoesNotFit"


class MemoryTerm(StrEnum):
    """The term that decides a verdict that is not `Fits`."""

    WEIGHTS = "weights"  # weights and reserve leave nothing for the KV cache
    LATE = "late"  # the KV cache holds a request, but graph capture or the sampler's warm-up after it may run out
    CONTEXT = "context"  # there is a KV cache, but one request of max_model_len does not fit into it


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """Memory of one GPU of one replica.

    kv_cache = usable x utilization - weights - activation - non_torch [- cuda_graph]; it may be negative.
    margin = kv_cache - required_kv, where required_kv is what one request of `max_model_len` needs, or what is missing
    for the last steps of the start (negative) when `binding` is late; the fit band is +- `band_gib` around a margin of
    zero. `kv_cache_tokens` counts tokens of full-length requests the pool holds per replica; `max_concurrency` = how
    many requests of `max_model_len` it holds at once; `longest_context` is the largest max_model_len that would start
    with the other settings unchanged (0: none).
    """

    weights_gib: float
    activation_gib: float
    non_torch_gib: float
    cuda_graph_gib: float
    usable_gib: float
    utilization: float
    kv_cache_gib: float
    kv_cache_tokens: int
    max_concurrency: float
    required_kv_gib: float
    margin_gib: float
    band_gib: float
    longest_context: int
    fit: Fit
    binding: MemoryTerm | None
    confidence: Confidence
    notes: tuple[str, ...] = ()

    @property
    def required_gib(self) -> float:
        """GiB per GPU that must be available within the utilisation for the engine to start."""
        return self.weights_gib + self.activation_gib + self.non_torch_gib + self.cuda_graph_gib + self.required_kv_gib
