"""Whether the size that somebody states of a model can be true of the architecture that he states beside it.

In: a model with `weight_bytes` or `parameters`. Out: which of the two contradicts the shapes, with both numbers. Pure.
A size from a hub or the catalogue was read, not written by hand, and is not asked about.
"""

from dataclasses import replace

from inferfleet.domain.memory import GIB
from inferfleet.domain.model import Model
from inferfleet.engine.memory.formats import SIXTEEN_BITS, usual_detail
from inferfleet.engine.memory.weights import BELIEVABLE, checkpoint_bytes

BILLION = 1e9


def size_problem(model: Model) -> str | None:
    """Say which stated size contradicts the architecture, None when both may be true or nothing is stated."""
    plain = replace(model, quantization=None, quantization_detail=None)
    parameters = checkpoint_bytes(plain) / SIXTEEN_BITS
    if model.parameters is not None and _contradicts(model.parameters, parameters):
        return (
            f"spec.parameters: {model.parameters} contradicts spec.config, which makes {parameters / BILLION:.2f} "
            f"billion; correct the one that is wrong"
        )
    if model.weight_bytes is None or not _known_format(model):
        return None
    size = checkpoint_bytes(model)
    if not _contradicts(model.weight_bytes, size):
        return None
    return (
        f"spec.weightBytes: {model.weight_bytes} ({model.weight_bytes / GIB:.2f} GiB) contradicts spec.config, which "
        f"makes {size / GIB:.2f} GiB ({model.quantization or '16-bit weights'}); correct spec.config or "
        "spec.quantization, or leave weightBytes out"
    )


def _contradicts(stated: float, computed: float) -> bool:
    """Beyond what towers, mixed precision or state-space layers explain, so that the figure would not be used."""
    return abs(stated / computed - 1) >= BELIEVABLE


def _known_format(model: Model) -> bool:
    return (
        model.quantization is None
        or model.quantization_detail is not None
        or usual_detail(model.quantization) is not None
    )
