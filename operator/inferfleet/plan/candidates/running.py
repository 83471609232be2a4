"""What is known of a candidate that runs already: it has proved what an estimate can only guess.

In: a shape, its candidates, and the placements that run. Out: the candidates, each with the placement that runs exactly
it. A placement whose spec did not change is never taken back by a new estimate of its memory or speed.
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


def as_running(
    shape: Shape,
    pools: Mapping[str, Pool],
    candidates: Iterable[Candidate],
    running: Iterable[Placement],
    *,
    same_spec: bool,
) -> tuple[Candidate, ...]:
    """Return the candidates, those that run marked and corrected; `same_spec`: admitted for the spec as it stands."""
    placements = {placement.kind: placement for placement in reversed(tuple(running))}
    return tuple(
        item if placement is None else _corrected(shape, pools[item.pool], item, placement, same_spec=same_spec)
        for item, placement in ((item, placements.get(item.kind)) for item in candidates)
    )


def _corrected(shape: Shape, pool: Pool, candidate: Candidate, placement: Placement, *, same_spec: bool) -> Candidate:
    assessed = _fits_as_it_runs(shape, pool, candidate, placement).run_by(placement)
    refusal = assessed.refusal
    if not same_spec or refusal is None or refusal.reason is not Reason.TOO_SLOW or assessed.speed is None:
        return assessed
    # Slower than it seemed when it was chosen: constants and calibration never move what runs (api.md, Moving).
    return assessed.kept(needed=max(assessed.needed, placement.replicas), slower=refusal.message)


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
