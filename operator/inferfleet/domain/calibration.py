"""What a running engine tells of one setting: its memory, its speed, or that it ran out of memory.

There is one calibration per namespace, model, GPU type and engine settings. It counts in its own namespace until the
platform team promotes it. It changes the next decision and never moves what runs.
"""

from dataclasses import dataclass
from enum import StrEnum

from inferfleet.api.enums import Confidence
from inferfleet.domain.engine import EngineSettings

CalibrationKey = tuple[str, str, str, EngineSettings]


class Unusable(StrEnum):
    """Why a reading gives no calibration. The values are outcomes of the metric `inferfleet_engine_readings`."""

    ABSURD = "absurd"  # no engine of this setting can have such a figure
    STALE = "stale"
    QUIET = "quiet"  # the engine said nothing about it
    UNREACHABLE = "unreachable"
    OTHER = "unusable"  # idle, saturated, restarted, too short a window, another program's text


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryCalibration:
    """GiB per GPU that an engine printed; None: it printed no such term, and the estimate stands.

    `kv_cache_gib`, the printed pool, settles the sum of all terms; terms that were not printed then take up the rest.
    """

    weights_gib: float | None = None
    activation_gib: float | None = None
    non_torch_gib: float | None = None
    cuda_graph_gib: float | None = None
    kv_cache_gib: float | None = None
    usable_gib: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedCalibration:
    """How much slower than predicted engines of one setting are, and how often that was measured.

    `scale` multiplies every predicted time (above 1: slower than predicted). `first_token_seconds` is the mean time to
    first token that was measured, None without one.
    """

    scale: float
    confidence: Confidence
    samples: int
    first_token_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One setting's calibration.

    GiB figures are per GPU as the engine printed them, None where it printed none; `kv_cache_tokens` are those of one
    replica. `out_of_memory` is what the engine said when it ran out of memory (empty: it started), and
    `longest_context` what it proposed instead. `speed_scale` multiplies every predicted time; `first_token_ms` is the
    mean time to first token that was measured. `any_flags`: of `engine` only the version and the tensor parallel size
    count, because whoever promoted the figures named no more. `learned_at` (RFC 3339) is when it was last changed.
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
        """What the calibration is about."""
        return (self.namespace, self.model_id, self.gpu_type, self.engine)

    @property
    def memory(self) -> MemoryCalibration | None:
        """The terms for the memory model, None when none of those that matter was printed."""
        figures = (self.weights_gib, self.activation_gib, self.kv_cache_gib, self.usable_gib)
        if all(figure is None for figure in figures):
            return None
        return MemoryCalibration(
            weights_gib=self.weights_gib,
            activation_gib=self.activation_gib,
            non_torch_gib=self.non_torch_gib,
            cuda_graph_gib=self.cuda_graph_gib,
            kv_cache_gib=self.kv_cache_gib,
            usable_gib=self.usable_gib,
            source=self.source,
        )

    @property
    def speed(self) -> SpeedCalibration | None:
        """The scale for the speed model, None when no speed was measured."""
        if self.speed_scale is None:
            return None
        seconds = None if self.first_token_ms is None else self.first_token_ms / 1000
        return SpeedCalibration(
            scale=self.speed_scale,
            confidence=self.speed_confidence,
            samples=self.speed_samples,
            first_token_seconds=seconds,
        )
