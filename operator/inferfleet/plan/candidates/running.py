"""What is known of a candidate that runs already: it has proved what an estimate can only guess.

In: a shape, its assessments, and the placements that stand. Out: the assessments, those of running candidates
corrected. A placement whose spec did not change is never taken back by a new estimate of its memory or speed.
"""

from dataclasses import replace

from inferfleet.api.reasons import Reason
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool
from inferfleet.engine.calibration import out_of_memory_at
from inferfleet.engine.settings import engine_settings
from inferfleet.plan.admission.admission import held_here
from inferfleet.plan.candidates.assess import Assessment, assess_running
from inferfleet.plan.candidates.fitting import gpu_of
from inferfleet.plan.candidates.shape import Shape

# Estimates: what runs is the better witness.
_ESTIMATES = (Reason.DOES_NOT_FIT, Reason.TOO_CLOSE, Reason.CONTEXT_DOES_NOT_FIT, Reason.TOO_SLOW)


def as_running(
    shape: Shape, pools: tuple[Pool, ...], assessment: Assessment, held: tuple[Placement, ...], *, same_spec: bool
) -> Assessment:
    """Correct the assessment of something that runs; `same_spec`: it was admitted for the spec as it stands."""
    running = held_here(held, assessment)
    if running is None:
        return assessment
    judged = _fits_as_it_runs(shape, pools, assessment, running)
    refusal = judged.refusal
    if not same_spec or refusal is None or refusal.reason is not Reason.TOO_SLOW or judged.speed is None:
        return judged
    # Slower than it seemed when it was chosen: constants and calibration never move what runs (api.md, Moving).
    return replace(judged, refusal=None, replicas=max(judged.replicas, running.replicas), slower=refusal.message)


def _fits_as_it_runs(shape: Shape, pools: tuple[Pool, ...], assessment: Assessment, running: Placement) -> Assessment:
    """What runs with the settings that the spec asks for has proved that it fits: no estimate takes that back."""
    refused = assessment.refusal is not None and assessment.refusal.reason not in _ESTIMATES
    if assessment.engine is None or refused:
        return assessment
    pool = next(pool for pool in pools if pool.name == assessment.pool)
    wanted = engine_settings(shape.spec, shape.model, gpu_of(pool), assessment.tensor_parallel_size)
    consent = shape.spec.engine.min_model_len or wanted.max_model_len
    agreed = consent <= running.engine.max_model_len <= wanted.max_model_len
    ended = out_of_memory_at(shape.calibrations, running.gpu_type, running.engine)
    if ended or not agreed or replace(running.engine, max_model_len=wanted.max_model_len) != wanted:
        return assessment
    return assess_running(shape, pool, running.engine)
