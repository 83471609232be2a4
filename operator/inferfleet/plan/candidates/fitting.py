"""Find engine settings that fit: as asked, or with the shorter context that the user consents to.

In: a shape, a pool and the settings asked for. Out: the settings with their memory estimate, and the refusal when they
do not fit. What engines printed with these settings replaces the estimate's terms, and a setting that ran out of memory
is not tried again.
"""

from dataclasses import dataclass, replace

from inferfleet.api.reasons import Reason
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import Fit, MemoryEstimate, MemoryTerm
from inferfleet.domain.refused import Refused
from inferfleet.domain.traffic import stated_request
from inferfleet.domain.world import Pool
from inferfleet.engine import memory
from inferfleet.engine.calibration import all_out_of_memory_at, memory_calibration, out_of_memory_at
from inferfleet.plan.candidates.shape import Shape

# A context is shortened to a multiple of this, so that small changes of an estimate do not change the flag.
CONTEXT_STEP = 256
# The first retry after out of memory shortens the context by this factor; the second goes to the consent.
RETRY_FACTOR = 0.75
# Where the longest context that fits lies within the error of the estimate, a little less is surely below it.
CAUTION_FACTOR = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """Settings, their memory, and why they cannot be used (None: they can)."""

    engine: EngineSettings
    memory: MemoryEstimate
    refusal: Refused[Reason] | None


def fitting(shape: Shape, pool: Pool, engine: EngineSettings) -> Fitting:
    """Return the settings that fit best: those asked for, else shortened as far as minModelLen allows.

    Never to less than a mean request, which the engine would refuse.

    Raises ValueError for a quantisation or an engine version that the memory model does not know.
    """
    asked = _judge(shape, pool, engine)
    consent = shape.spec.engine.min_model_len
    if asked.refusal is None or not consent or not _shorter_helps(asked.refusal):
        return asked
    for length in _shorter_contexts(shape, pool, asked, max(consent, stated_request(shape.spec))):
        shorter = _judge(shape, pool, replace(engine, max_model_len=length))
        if shorter.refusal is None:
            return shorter
    return asked


def estimate_of(shape: Shape, pool: Pool, engine: EngineSettings) -> MemoryEstimate:
    """Return the memory of these settings, calibrated by what engines with the same flags printed."""
    calibration = memory_calibration(shape.calibrations, pool.gpu_type, engine)
    return memory.estimate(
        shape.model, pool.reported_gpu, engine, interconnect=pool.interconnect, calibration=calibration
    )


def _judge(shape: Shape, pool: Pool, engine: EngineSettings) -> Fitting:
    estimate = estimate_of(shape, pool, engine)
    refusal = _ran_out_of_memory(shape, pool, engine) or _memory_refusal(pool, engine, estimate)
    return Fitting(engine=engine, memory=estimate, refusal=refusal)


def _ran_out_of_memory(shape: Shape, pool: Pool, engine: EngineSettings) -> Refused[Reason] | None:
    calibration = out_of_memory_at(shape.calibrations, pool.gpu_type, engine)
    if calibration is None:
        return None
    message = (
        f"an engine with {calibration.engine.max_model_len} tokens ran out of memory here: {calibration.out_of_memory}"
    )
    return Refused(Reason.DOES_NOT_FIT, message)


def _shorter_helps(refusal: Refused[Reason]) -> bool:
    return refusal.reason in (Reason.DOES_NOT_FIT, Reason.CONTEXT_DOES_NOT_FIT, Reason.TOO_CLOSE)


def _shorter_contexts(shape: Shape, pool: Pool, asked: Fitting, consent: int) -> tuple[int, ...]:
    """Contexts to try, longest first, none below the consent.

    After out of memory: what the engine itself proposed, or three quarters. After a second time only the consent is
    left, so that no setting is started more than three times.
    """
    longest = min(asked.engine.max_model_len - 1, asked.memory.longest_context)
    ended_at = all_out_of_memory_at(shape.calibrations, pool.gpu_type, asked.engine)
    if len(ended_at) > 1:
        return (consent,) if consent < ended_at[0].engine.max_model_len and consent <= longest else ()
    if ended_at:
        proposed = ended_at[0].longest_context or int(ended_at[0].engine.max_model_len * RETRY_FACTOR)
        longest = min(longest, proposed)
    rounded = (longest // CONTEXT_STEP * CONTEXT_STEP, int(longest * CAUTION_FACTOR) // CONTEXT_STEP * CONTEXT_STEP)
    return tuple(length for length in (*rounded, consent) if consent <= length <= longest)


def _memory_refusal(pool: Pool, engine: EngineSettings, estimate: MemoryEstimate) -> Refused[Reason] | None:
    if estimate.fit is Fit.FITS:
        return None
    offered = estimate.usable_gib * estimate.utilization
    numbers = (
        f"needs {estimate.required_gib:.1f} GiB per GPU at tensor parallel size {engine.tensor_parallel_size} (weights "
        f"{estimate.weights_gib:.1f}, activation {estimate.activation_gib:.1f}, other "
        f"{estimate.non_torch_gib + estimate.cuda_graph_gib:.1f}, KV cache for {engine.max_model_len} tokens "
        f"{estimate.required_kv_gib:.1f}); pool {pool.name} offers {offered:.1f} of {estimate.usable_gib:.1f} GiB"
    )
    if estimate.fit is Fit.TOO_CLOSE:
        return Refused(
            Reason.TOO_CLOSE,
            f"{numbers}: margin {estimate.margin_gib:+.2f} GiB is within the error of {estimate.band_gib:.2f}",
        )
    if estimate.binding is MemoryTerm.CONTEXT:
        return Refused(Reason.CONTEXT_DOES_NOT_FIT, f"{numbers}: at most {estimate.longest_context} tokens fit")
    return Refused(Reason.DOES_NOT_FIT, numbers)
