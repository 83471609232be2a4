"""What the platform team promoted: the calibrations of model profiles, which count in every namespace.

In: ModelProfiles. Out: `Calibration`s without a namespace. They hold for engines of that version, GPU type and tensor
parallel size whatever the other flags, because a profile names no others. Must not judge the figures.
"""

from collections.abc import Iterable
from decimal import Decimal

from inferfleet.api.enums import Confidence
from inferfleet.api.v1alpha1 import ModelProfile
from inferfleet.api.v1alpha1.model_profile import PromotedCalibration
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.engine import EngineSettings


def promoted_calibrations(profiles: Iterable[ModelProfile]) -> tuple[Calibration, ...]:
    """Return the calibrations of all profiles, in the order of models and GPU types."""
    found = [_calibration(profile, item) for profile in profiles for item in profile.spec.calibrations]
    return tuple(sorted(found, key=lambda item: (item.model_id, item.gpu_type, repr(item.engine))))


def _calibration(profile: ModelProfile, item: PromotedCalibration) -> Calibration:
    faster = item.speed_factor
    return Calibration(
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


def _any_engine(item: PromotedCalibration) -> EngineSettings:
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
