"""Find what engines taught about a setting, and hand it to the memory and speed models.

In: the calibrations of a world. Out: corrections for one namespace, model, GPU type and engine setting. Calibrations of other
namespaces count only when the platform team promoted them.
"""

from collections.abc import Iterable
from dataclasses import replace

from inferfleet.domain.calibration import Calibration
from inferfleet.domain.engine import EngineSettings
from inferfleet.engine.memory import Correction
from inferfleet.engine.throughput import SpeedCalibration

Calibrations = tuple[Calibration, ...]


def relevant(calibrations: Iterable[Calibration], namespace: str, model_id: str) -> Calibrations:
    """Return what may be used for this model in this namespace, own calibrations before promoted ones."""
    usable = [
        calibration
        for calibration in calibrations
        if calibration.model_id == model_id and (calibration.promoted or calibration.namespace == namespace)
    ]
    return tuple(
        sorted(
            usable,
            key=lambda calibration: (
                calibration.namespace != namespace,
                calibration.gpu_type,
                repr(calibration.engine),
            ),
        )
    )


def correction_for(calibrations: Calibrations, gpu_type: str, engine: EngineSettings) -> Correction | None:
    """Return the memory figures of an engine with the same flags; its context may have been another.

    In vLLM's V1 engine no term but the KV cache of one request depends on max_model_len (docs/memory-model.md).
    """
    for calibration in calibrations:
        figures = (
            calibration.weights_gib,
            calibration.activation_gib,
            calibration.kv_cache_gib,
            calibration.usable_gib,
        )
        if _same_flags(calibration, gpu_type, engine) and any(figure is not None for figure in figures):
            return Correction(
                weights_gib=calibration.weights_gib,
                activation_gib=calibration.activation_gib,
                non_torch_gib=calibration.non_torch_gib,
                cuda_graph_gib=calibration.cuda_graph_gib,
                kv_cache_gib=calibration.kv_cache_gib,
                usable_gib=calibration.usable_gib,
                source=calibration.source,
            )
    return None


def died(calibrations: Calibrations, gpu_type: str, engine: EngineSettings) -> Calibration | None:
    """Return the calibration that this context, or a shorter one with the same flags, ran out of memory; the shortest."""
    return next(iter(deaths(calibrations, gpu_type, engine)), None)


def deaths(calibrations: Calibrations, gpu_type: str, engine: EngineSettings) -> Calibrations:
    """Return every death with the same flags at this context or a shorter one, the shortest first."""
    found = [
        calibration
        for calibration in calibrations
        if calibration.out_of_memory
        and _same_flags(calibration, gpu_type, engine)
        and calibration.engine.max_model_len <= engine.max_model_len
    ]
    return tuple(sorted(found, key=lambda calibration: calibration.engine.max_model_len))


def speed_for(calibrations: Calibrations, gpu_type: str, engine: EngineSettings) -> SpeedCalibration | None:
    """Return the live speed of engines with the same flags."""
    for calibration in calibrations:
        if calibration.speed_scale is not None and _same_flags(calibration, gpu_type, engine):
            return SpeedCalibration(
                scale=calibration.speed_scale,
                confidence=calibration.speed_confidence,
                samples=calibration.speed_samples,
                observed_token_seconds=0.0,
                observed_running=0.0,
                last_seen_seconds=0.0,
            )
    return None


def _has_figures(calibration: Calibration) -> bool:
    terms = (calibration.weights_gib, calibration.activation_gib, calibration.non_torch_gib, calibration.cuda_graph_gib)
    return any(figure is not None for figure in (*terms, calibration.kv_cache_gib, calibration.usable_gib))


def _same_flags(calibration: Calibration, gpu_type: str, engine: EngineSettings) -> bool:
    if calibration.gpu_type != gpu_type:
        return False
    if calibration.any_flags:  # figures of the checkpoint as it is: quantising it on the fly gives others
        named = (calibration.engine.version, calibration.engine.tensor_parallel_size, None, 1)
        asked = (engine.version, engine.tensor_parallel_size, engine.quantization, engine.pipeline_parallel_size)
        return named == asked
    return replace(calibration.engine, max_model_len=engine.max_model_len) == engine
