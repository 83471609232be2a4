"""What other packages may use of the four pure homes. A new name here is a new promise: think before you add one."""

from types import ModuleType

import pytest

from inferfleet import budget, engine, plan, render
from inferfleet.engine import calibration, memory, throughput

EXPORTS = {
    plan: {"SCHEDULE_TIMEOUT", "decide"},
    budget: {
        "ABOUT_MONEY",
        "Claim",
        "Headroom",
        "Holder",
        "Ledger",
        "Line",
        "Rules",
        "Statement",
        "UnitCost",
        "admitted",
        "blocking",
        "claim_of",
        "combine",
        "enforced",
        "holding_claim",
        "matching",
        "not_admitted",
        "nothing_reserved",
        "unit_cost",
    },
    engine: {
        "DEFAULT_UTILIZATION",
        "DEFAULT_VERSION",
        "batch_limits",
        "check_extra_args",
        "check_image",
        "default_context",
        "default_image",
        "engine_settings",
        "kv_cache_problem",
        "on_the_fly_quantization",
        "precision_problem",
        "quantization_problem",
        "request_problem",
    },
    calibration: {
        "Calibrations",
        "OutOfMemory",
        "Setting",
        "all_out_of_memory_at",
        "from_cache",
        "from_log",
        "from_windows",
        "is_material",
        "memory_calibration",
        "merged",
        "out_of_memory_at",
        "read_engine_log",
        "read_out_of_memory",
        "relevant",
        "speed_calibration",
    },
    memory: {
        "Remedy",
        "UnknownFormatError",
        "canonical_method",
        "checkpoint_bytes",
        "estimate",
        "remedies",
        "size_problem",
        "tensor_parallel_problem",
        "usable_gib",
        "weight_format",
    },
    throughput: {
        "CounterSnapshot",
        "LoadPoint",
        "SHORTEST_WINDOW_SECONDS",
        "Window",
        "at_concurrency",
        "calibrate",
        "estimate",
        "footprint",
        "window",
    },
    render: {
        "ENGINE_PORT",
        "Manifest",
        "RenderError",
        "RenderFacts",
        "engine_image",
        "render",
        "tolerated",
    },
}


@pytest.mark.parametrize("package", EXPORTS, ids=lambda package: package.__name__)
def test_a_package_exports_these_names(package: ModuleType) -> None:
    assert set(package.__all__) == EXPORTS[package]
