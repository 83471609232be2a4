"""What a running engine taught: its own memory figures, its speed, or that it died for want of memory.

Kept per model, GPU type and engine settings, and inside the namespace that it was learnt in until the platform team
promotes it. A calibration corrects the next decision; it never moves what runs.
"""

from dataclasses import dataclass

from inferfleet.api.enums import Confidence
from inferfleet.domain.engine import EngineSettings

CalibrationKey = tuple[str, str, str, EngineSettings]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One setting's calibration.

    GiB figures are per GPU as the engine printed them, None where it printed none; `kv_cache_tokens` are those of one
    replica. `out_of_memory` is what the engine said when it died of it (empty: it started), and `longest_context` what
    it proposed instead. `speed_scale` multiplies every predicted time; `first_token_ms` is the mean time to first token
    that was seen. `any_flags`: of `engine` only the version and the tensor parallel size count, because whoever
    promoted the figures named no more. `learned_at` is RFC 3339.
    """

    namespace: str
    model_id: str
    gpu_type: str
    engine: EngineSettings
    promoted: bool = False
    any_flags: bool = False
    weights_gib: float | None = None
    activation_gib: float | None = None
    non_torch_gib: float | None = None
    cuda_graph_gib: float | None = None
    kv_cache_gib: float | None = None
    kv_cache_tokens: int | None = None
    usable_gib: float | None = None
    out_of_memory: str = ""
    longest_context: int | None = None
    speed_scale: float | None = None
    speed_confidence: Confidence = Confidence.CALIBRATED
    speed_samples: int = 0
    first_token_ms: float | None = None
    learned_at: str = ""
    source: str = ""

    @property
    def key(self) -> CalibrationKey:
        """What a calibration is about: there is one calibration per namespace, model, GPU type and engine settings."""
        return (self.namespace, self.model_id, self.gpu_type, self.engine)
