"""What is left when engines ran out of memory and nothing else can be tried: release it, and say so.

In: what a deployment holds, the obstacle that the choice met, and the calibrations. Out: the holding without what ran
out of memory, and the reason with the engine's own words. Such an engine would only be restarted for ever.
"""

from collections.abc import Sequence
from dataclasses import replace

from inferfleet.api.reasons import ReadyReason
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.demand import Holding
from inferfleet.domain.refused import Refused
from inferfleet.engine.calibration import Calibrations, out_of_memory_at


def surviving(holding: Holding | None, calibrations: Calibrations) -> Holding | None:
    """Return the holding without the placements whose engines ran out of memory."""
    if holding is None:
        return None
    alive = [item for item in holding.placements if out_of_memory_at(calibrations, item.gpu_type, item.engine) is None]
    return holding if len(alive) == len(holding.placements) else replace(holding, placements=tuple(alive))


def explained(
    why: Refused[ReadyReason], candidates: Sequence[Candidate], calibrations: Calibrations, *, released: bool
) -> Refused[ReadyReason]:
    """Word an obstacle again where engines ran out of memory; `released`: what did was given up just now."""
    found = _first(candidates, calibrations)
    if found is None:
        return why
    if why.reason is ReadyReason.MODEL_DOES_NOT_FIT:
        said = f"out of memory with {found.engine.max_model_len} tokens on {found.gpu_type}: {found.out_of_memory}"
        message = f"{said}; nothing is left to try and no GPU is held: {why.message}"
        return Refused(ReadyReason.ENGINE_OUT_OF_MEMORY, message)
    return Refused(why.reason, f"{why.message}; what ran out of memory was released") if released else why


def _first(candidates: Sequence[Candidate], calibrations: Calibrations) -> Calibration | None:
    if not any(item.out_of_memory for item in calibrations):
        return None
    found = (
        out_of_memory_at(calibrations, item.gpu_type, item.engine) for item in candidates if item.engine is not None
    )
    return next((item for item in found if item is not None), None)
