"""Figures that the engine itself printed, which replace estimated terms.

Measured on the same model, GPU, tensor parallel size, version and flags. In: numbers from `engine_log`. Pure.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Observed GiB per GPU of single terms; None: not observed, the estimate stands.

    `kv_cache_gib`, the printed pool, settles the sum of all terms; terms that were not observed then take up the rest.
    """

    weights_gib: float | None = None
    activation_gib: float | None = None
    non_torch_gib: float | None = None
    cuda_graph_gib: float | None = None
    kv_cache_gib: float | None = None
    usable_gib: float | None = None
    source: str = ""
