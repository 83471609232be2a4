"""What vLLM needs, delivers and says: memory, speed, flags, images, and what running engines tell of all that.

Pure, like everything that a decision is made from. Start at `memory.estimate` and `throughput.estimate`; `calibration`
holds what engines say against both. `settings`, `arguments`, `images` and `support` know how an engine is started. It
knows no pool, price or policy.
"""

from inferfleet.engine.arguments import check_extra_args
from inferfleet.engine.images import check_image, default_image
from inferfleet.engine.settings import (
    DEFAULT_UTILIZATION,
    DEFAULT_VERSION,
    batch_limits,
    default_context,
    engine_settings,
    on_the_fly_quantization,
)
from inferfleet.engine.support import kv_cache_problem, precision_problem, quantization_problem, request_problem

__all__ = [
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
]
