"""The calibrations of model profiles count in every namespace."""

from inferfleet.api.v1alpha1 import ModelProfile
from inferfleet.observe.promotion import promoted_calibrations
from tests.builders import PROFILE_CONFIG

PROFILE = ModelProfile.model_validate(
    {
        "apiVersion": "inferfleet.dev/v1alpha1",
        "kind": "ModelProfile",
        "metadata": {"name": "acme"},
        "spec": {
            "id": "acme/llm",
            "config": PROFILE_CONFIG,
            "parameters": 8_000_000_000,
            "calibrations": [
                {
                    "gpuType": "nvidia-l40s-48gb",
                    "tensorParallelSize": 2,
                    "engineVersion": "0.32.0",
                    "weightsGiB": "7.5",
                    "speedFactor": "0.8",
                }
            ],
        },
    }
)


def test_a_promoted_calibration_belongs_to_no_namespace() -> None:
    (calibration,) = promoted_calibrations([PROFILE])
    assert (calibration.promoted, calibration.any_flags, calibration.namespace) == (True, True, "")
    assert (calibration.model_id, calibration.gpu_type, calibration.engine.tensor_parallel_size) == (
        "acme/llm",
        "nvidia-l40s-48gb",
        2,
    )
    assert (calibration.weights_gib, calibration.activation_gib) == (7.5, None)


def test_an_engine_that_is_slower_than_estimated_takes_more_time() -> None:
    (calibration,) = promoted_calibrations([PROFILE])
    assert calibration.speed_scale == 1.25
