"""What the platform team promoted: calibrations of model profiles, as lessons that count in every namespace.

In: ModelProfiles. Out: `Lesson`s without a namespace. They hold for engines of that version, GPU type and tensor
parallel size whatever the other flags, because a profile names no others. Must not judge the figures.
"""

from collections.abc import Iterable
from decimal import Decimal

from inferfleet.api.enums import Confidence
from inferfleet.api.v1alpha1 import ModelProfile
from inferfleet.api.v1alpha1.model_profile import Calibration
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.lesson import Lesson


def promoted_lessons(profiles: Iterable[ModelProfile]) -> tuple[Lesson, ...]:
    """Return one lesson per calibration, in the order of models and GPU types."""
    found = [_lesson(profile, item) for profile in profiles for item in profile.spec.calibrations]
    return tuple(sorted(found, key=lambda lesson: (lesson.model_id, lesson.gpu_type, repr(lesson.engine))))


def _lesson(profile: ModelProfile, item: Calibration) -> Lesson:
    faster = item.speed_factor
    return Lesson(
        namespace="",
        model_id=profile.spec.id,
        gpu_type=item.gpu_type,
        engine=_any_engine(item),
        promoted=True,
        any_flags=True,
        weights_gib=_number(item.weights_gib),
        activation_gib=_number(item.activation_gib),
        non_torch_gib=_number(item.non_torch_gib),
        cuda_graph_gib=_number(item.cuda_graph_gib),
        speed_scale=1 / float(faster) if faster else None,
        speed_confidence=Confidence.CALIBRATED,
        source=f"ModelProfile {profile.metadata.name}",
    )


def _any_engine(item: Calibration) -> EngineSettings:
    """Version and tensor parallel size; the rest stands for "any" and takes no part in comparisons."""
    return EngineSettings(
        version=item.engine_version,
        tensor_parallel_size=item.tensor_parallel_size,
        max_model_len=1,
        max_num_seqs=1,
        max_num_batched_tokens=1,
        gpu_memory_utilization=1.0,
    )


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
