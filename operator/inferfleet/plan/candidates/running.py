"""What is known of a candidate that runs already: it has proved what an estimate can only guess.

In: a shape, a candidate, and the placements that run. Out: the candidate, corrected where it is one of them. A
placement whose spec did not change is never taken back by a new estimate of its memory or speed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from inferfleet.api.reasons import Reason
from inferfleet.domain.candidate import Candidate
from inferfleet.domain.placement import Placement
from inferfleet.domain.world import Pool
from inferfleet.engine import engine_settings
from inferfleet.engine.calibration import out_of_memory_at
from inferfleet.plan.candidates.assess import assess_running
from inferfleet.plan.candidates.shape import Shape

# Estimates: what runs is the better witness.
_ESTIMATES = (Reason.DOES_NOT_FIT, Reason.TOO_CLOSE, Reason.CONTEXT_DOES_NOT_FIT, Reason.TOO_SLOW)


def running_here(running: Iterable[Placement], candidate: Candidate) -> Placement | None:
    """Return the placement that runs exactly this candidate, None when it does not run."""
    return next((placement for placement in running if placement.kind == candidate.kind), None)


def as_running(
    shape: Shape, pools: Mapping[str, Pool], candidate: Candidate, running: tuple[Placement, ...], *, same_spec: bool
) -> Candidate:
    """Correct the assessment of something that runs; `same_spec`: it was admitted for the spec as it stands."""
    placement = running_here(running, candidate)
    if placement is None:
        return candidate
    assessed = _fits_as_it_runs(shape, pools[candidate.pool], candidate, placement)
    refusal = assessed.refusal
    if not same_spec or refusal is None or refusal.reason is not Reason.TOO_SLOW or assessed.speed is None:
        return assessed
    # Slower than it seemed when it was chosen: constants and calibration never move what runs (api.md, Moving).
    return assessed.stage(refusal=None, needed=max(assessed.needed, placement.replicas), slower=refusal.message)


def _fits_as_it_runs(shape: Shape, pool: Pool, candidate: Candidate, placement: Placement) -> Candidate:
    """What runs with the settings that the spec asks for has proved that it fits: no estimate takes that back."""
    refused = candidate.refusal is not None and candidate.refusal.reason not in _ESTIMATES
    if candidate.engine is None or refused:
        return candidate
    wanted = engine_settings(shape.spec, shape.model, pool.reported_gpu, candidate.tensor_parallel_size)
    consent = shape.spec.engine.min_model_len or wanted.max_model_len
    agreed = consent <= placement.engine.max_model_len <= wanted.max_model_len
    out_of_memory = out_of_memory_at(shape.calibrations, placement.gpu_type, placement.engine)
    if out_of_memory or not agreed or replace(placement.engine, max_model_len=wanted.max_model_len) != wanted:
        return candidate
    return assess_running(shape, pool, placement.engine)
