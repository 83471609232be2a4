"""Find the calibrations of a setting, for the memory and speed models.

In: the calibrations of a world. Out: those that count for one namespace, model, GPU type and engine settings. Those of
other namespaces count only when the platform team promoted them.
"""

from collections.abc import Iterable
from dataclasses import replace

from inferfleet.domain.calibration import Calibration, MemoryCalibration, SpeedCalibration
from inferfleet.domain.engine import EngineSettings

Calibrations = tuple[Calibration, ...]


def relevant(calibrations: Iterable[Calibration], namespace: str, model_id: str) -> Calibrations:
    """Return what may be used for this model in this namespace, own calibrations before promoted ones."""
    usable = [
        calibration
        for calibration in calibrations
        if calibration.model_id == model_id and (calibration.promoted or calibration.namespace == namespace)
    ]
    return tuple(sorted(usable, key=lambda item: (item.namespace != namespace, item.gpu_type, repr(item.engine))))


def memory_calibration(calibrations: Calibrations, gpu_type: str, engine: EngineSettings) -> MemoryCalibration | None:
    """Return the memory figures of an engine with the same flags; its context may have been another.

    In vLLM's V1 engine no term but the KV cache of one request depends on max_model_len (docs/memory-model.md).
    """
    found = (item.memory for item in calibrations if item.memory is not None and _same_flags(item, gpu_type, engine))
    return next(found, None)


def speed_calibration(calibrations: Calibrations, gpu_type: str, engine: EngineSettings) -> SpeedCalibration | None:
    """Return the measured speed of engines with the same flags."""
    found = (item.speed for item in calibrations if item.speed is not None and _same_flags(item, gpu_type, engine))
    return next(found, None)


def out_of_memory_at(calibrations: Calibrations, gpu_type: str, engine: EngineSettings) -> Calibration | None:
    """Return the shortest context, up to this one, with which the same flags ran out of memory; None without one."""
    return next(iter(all_out_of_memory_at(calibrations, gpu_type, engine)), None)


def all_out_of_memory_at(calibrations: Calibrations, gpu_type: str, engine: EngineSettings) -> Calibrations:
    """Return every context, up to this one, with which the same flags ran out of memory, the shortest first."""
    found = [
        calibration
        for calibration in calibrations
        if calibration.out_of_memory
        and calibration.engine.max_model_len <= engine.max_model_len
        and _same_flags(calibration, gpu_type, engine)
    ]
    return tuple(sorted(found, key=lambda calibration: calibration.engine.max_model_len))


def _same_flags(calibration: Calibration, gpu_type: str, engine: EngineSettings) -> bool:
    if calibration.gpu_type != gpu_type:
        return False
    if calibration.any_flags:  # figures of the checkpoint as it is: quantising it on the fly gives others
        named = (calibration.engine.version, calibration.engine.tensor_parallel_size, None, 1)
        asked = (engine.version, engine.tensor_parallel_size, engine.quantization, engine.pipeline_parallel_size)
        return named == asked
    return replace(calibration.engine, max_model_len=engine.max_model_len) == engine
