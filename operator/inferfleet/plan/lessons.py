"""Find what engines taught about a setting, and hand it to the memory and speed models.

In: the lessons of a world. Out: corrections for one namespace, model, GPU type and engine setting. Lessons of other
namespaces count only when the platform team promoted them.
"""

from collections.abc import Iterable
from dataclasses import replace

from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.lesson import Lesson
from inferfleet.plan.memory import Correction
from inferfleet.plan.throughput import SpeedCalibration

Lessons = tuple[Lesson, ...]


def relevant(lessons: Iterable[Lesson], namespace: str, model_id: str) -> Lessons:
    """Return what may be used for this model in this namespace, own lessons before promoted ones."""
    usable = [
        lesson
        for lesson in lessons
        if lesson.model_id == model_id and (lesson.promoted or lesson.namespace == namespace)
    ]
    return tuple(
        sorted(usable, key=lambda lesson: (lesson.namespace != namespace, lesson.gpu_type, repr(lesson.engine)))
    )


def correction_for(lessons: Lessons, gpu_type: str, engine: EngineSettings) -> Correction | None:
    """Return the memory figures of an engine with the same flags; its context may have been another.

    In vLLM's V1 engine no term but the KV cache of one request depends on max_model_len (docs/memory-model.md).
    """
    for lesson in lessons:
        figures = (lesson.weights_gib, lesson.activation_gib, lesson.kv_cache_gib, lesson.usable_gib)
        if _same_flags(lesson, gpu_type, engine) and any(figure is not None for figure in figures):
            return Correction(
                weights_gib=lesson.weights_gib,
                activation_gib=lesson.activation_gib,
                non_torch_gib=lesson.non_torch_gib,
                cuda_graph_gib=lesson.cuda_graph_gib,
                kv_cache_gib=lesson.kv_cache_gib,
                usable_gib=lesson.usable_gib,
                source=lesson.source,
            )
    return None


def died(lessons: Lessons, gpu_type: str, engine: EngineSettings) -> Lesson | None:
    """Return the lesson that this context, or a shorter one with the same flags, ran out of memory; the shortest."""
    return next(iter(deaths(lessons, gpu_type, engine)), None)


def deaths(lessons: Lessons, gpu_type: str, engine: EngineSettings) -> Lessons:
    """Return every death with the same flags at this context or a shorter one, the shortest first."""
    found = [
        lesson
        for lesson in lessons
        if lesson.out_of_memory
        and _same_flags(lesson, gpu_type, engine)
        and lesson.engine.max_model_len <= engine.max_model_len
    ]
    return tuple(sorted(found, key=lambda lesson: lesson.engine.max_model_len))


def speed_for(lessons: Lessons, gpu_type: str, engine: EngineSettings) -> SpeedCalibration | None:
    """Return the live speed of engines with the same flags."""
    for lesson in lessons:
        if lesson.speed_scale is not None and _same_flags(lesson, gpu_type, engine):
            return SpeedCalibration(
                scale=lesson.speed_scale,
                confidence=lesson.speed_confidence,
                samples=lesson.speed_samples,
                observed_token_seconds=0.0,
                observed_running=0.0,
                last_seen_seconds=0.0,
            )
    return None


def _has_figures(lesson: Lesson) -> bool:
    terms = (lesson.weights_gib, lesson.activation_gib, lesson.non_torch_gib, lesson.cuda_graph_gib)
    return any(figure is not None for figure in (*terms, lesson.kv_cache_gib, lesson.usable_gib))


def _same_flags(lesson: Lesson, gpu_type: str, engine: EngineSettings) -> bool:
    if lesson.gpu_type != gpu_type:
        return False
    if lesson.any_flags:  # figures of the checkpoint as it is: quantising it on the fly gives others
        named = (lesson.engine.version, lesson.engine.tensor_parallel_size, None, 1)
        asked = (engine.version, engine.tensor_parallel_size, engine.quantization, engine.pipeline_parallel_size)
        return named == asked
    return replace(lesson.engine, max_model_len=engine.max_model_len) == engine
