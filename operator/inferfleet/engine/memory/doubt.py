"""How far an estimate can be trusted: the half-width of the band, the confidence, and the reasons in words.

In: model, settings, law. Out: a `Doubt`. Pure.
"""

from dataclasses import dataclass

from inferfleet.api.enums import Confidence
from inferfleet.catalog.memory_laws import MemoryLaw
from inferfleet.domain.calibration import MemoryCalibration
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.model import Model

MEASURED_BAND_GIB = 0.1  # two starts with the same flags differ by tens of MiB (memory-model notes, Qwen2.5-7B at 0.65)
HYBRID_SHARE = 0.01  # the state per request is a bound
VISION_GIB = 0.3  # images of fixed size: Gemma 3, Mistral 3, LLaVA stay within this of the text law
# Images that may fill the context: 4 to 17 GiB were seen (Qwen2.5-VL and relatives).
DYNAMIC_VISION_GIB = 5.0
DYNAMIC_VISION_GIB_PER_1024_TOKENS = 0.1
QUANTISED_SHARE = 0.003


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Band in GiB around a margin of zero, with the confidence and why."""

    band_gib: float
    confidence: Confidence
    notes: tuple[str, ...]


def doubt(
    model: Model, engine: EngineSettings, law: MemoryLaw, usable: float, calibration: MemoryCalibration | None
) -> Doubt:
    """Return the band: the law's own, wider for what is not modelled, narrow where the engine was measured."""
    if calibration is not None and calibration.kv_cache_gib is not None:
        return Doubt(
            band_gib=MEASURED_BAND_GIB,
            confidence=Confidence.MEASURED,
            notes=(calibration.source,) if calibration.source else (),
        )
    band = law.band_gib + law.band_share * usable
    notes: list[str] = []
    if not law.settled:
        notes.append(f"the memory law of vLLM {engine.version} ({law.name}) is not settled by measurements")
    if model.linear_attention is not None:
        band += HYBRID_SHARE * usable
        notes.append("hybrid linear attention: the state per request is a bound, not measured")
    if model.vision_parameters:
        band += _encoder_gib(model, engine)
        notes.append("the profiling run of the vision encoder is not modelled; bound it with --limit-mm-per-prompt")
    if model.quantization is not None:
        band += QUANTISED_SHARE * usable
    low = not law.settled or model.linear_attention is not None
    confidence = Confidence.LOW if low else Confidence.ESTIMATED
    if calibration is not None:
        confidence = Confidence.CALIBRATED
    return Doubt(band_gib=band, confidence=confidence, notes=tuple(notes))


def _encoder_gib(model: Model, engine: EngineSettings) -> float:
    if not model.vision_dynamic_resolution:
        return VISION_GIB
    by_length = engine.max_model_len / 1024 * DYNAMIC_VISION_GIB_PER_1024_TOKENS
    return max(DYNAMIC_VISION_GIB, by_length) / engine.tensor_parallel_size
