"""What is left when engines ran out of memory and nothing else can be tried: release the placements, and say so.

In: what a deployment holds, the obstacle that the choice met, and the calibrations. Out: the holding without what ran
out of memory, and the reason with the engine's own words. Such an engine would only be restarted for ever at full
price.
"""

from collections.abc import Sequence
from dataclasses import replace

from inferfleet.api.reasons import ReadyReason
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.demand import Holding
from inferfleet.domain.placement import Candidate
from inferfleet.engine.calibration import Calibrations, out_of_memory_at

Why = tuple[ReadyReason, str]


def surviving(holding: Holding | None, calibrations: Calibrations) -> Holding | None:
    """Return the holding without the placements whose engines ran out of memory."""
    if holding is None:
        return None
    alive = [
        placement
        for placement in holding.placements
        if out_of_memory_at(calibrations, placement.gpu_type, placement.engine) is None
    ]
    return holding if len(alive) == len(holding.placements) else replace(holding, placements=tuple(alive))


def after_out_of_memory(
    why: Why, candidates: Sequence[Candidate], calibrations: Calibrations, *, released: bool
) -> Why:
    """Word an obstacle again where engines ran out of memory; `released`: their placements were given up just now."""
    first = _first(candidates, calibrations)
    if first is None:
        return why
    reason, message = why
    if reason is ReadyReason.MODEL_DOES_NOT_FIT:
        said = f"out of memory with {first.engine.max_model_len} tokens on {first.gpu_type}: {first.out_of_memory}"
        return ReadyReason.ENGINE_OUT_OF_MEMORY, f"{said}; nothing is left to try and no GPU is held: {message}"
    return (reason, f"{message}; what ran out of memory was released") if released else why


def _first(candidates: Sequence[Candidate], calibrations: Calibrations) -> Calibration | None:
    if not any(calibration.out_of_memory for calibration in calibrations):
        return None
    found = (
        out_of_memory_at(calibrations, item.gpu_type, item.engine) for item in candidates if item.engine is not None
    )
    return next((calibration for calibration in found if calibration is not None), None)
