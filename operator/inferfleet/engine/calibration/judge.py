"""Judge what a running engine says of its memory and speed: a calibration, or why there is none.

In: the setting that an engine runs with, and figures read from its metrics, log or counters. Out: a `Calibration`, or
`Refused`. Figures are held against the estimate: what cannot be is refused, what is merely odd is clamped, so that an
engine which lies can do no more harm than the error of an estimate. Must not know where figures come from.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

from inferfleet.api.enums import Interconnect
from inferfleet.catalog.memory_laws import memory_law
from inferfleet.domain.calibration import Calibration, Unusable
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.memory import GIB, MemoryEstimate
from inferfleet.domain.model import Model
from inferfleet.domain.refused import Refused
from inferfleet.domain.traffic import Traffic
from inferfleet.engine import memory, throughput
from inferfleet.engine.calibration.engine_log import EngineFigures
from inferfleet.engine.memory.kv_cache import cache_layout
from inferfleet.engine.throughput import Window

# A KV cache may differ from the estimate by this share of the card; beyond that the reading is clamped.
LARGEST_SURPRISE = 0.25
# A term outside these multiples of its estimate is a figure of another model or unit.
SMALLEST_RATIO, LARGEST_RATIO = 0.5, 2.0
# CUDA's total may differ from what the node's labels promise by this share (other driver, ECC on or off).
USABLE_TOLERANCE = 0.1
# Terms without a useful estimate of their own may take at most this share of the card.
LARGEST_SIDE_TERM = 0.5
# Changes below these are noise between two starts of one setting (memory-model notes: tens of MiB).
MATERIAL_GIB = 0.05
MATERIAL_SHARE = 0.01
MATERIAL_SPEED = 0.05
# Queueing moves the time to first token from minute to minute.
MATERIAL_FIRST_TOKEN = 0.25
_TERMS = ("weights_gib", "activation_gib", "non_torch_gib", "cuda_graph_gib", "kv_cache_gib", "usable_gib")
# Windows count for this long: traffic of another hour says little about this one, the curve changes slowly.
WINDOW_AGE_SECONDS = 6 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What an engine runs as. `gpu` has the memory that the pool's nodes report; `traffic` is the mean request."""

    namespace: str
    model: Model
    gpu_type: str
    gpu: GPU
    engine: EngineSettings
    interconnect: Interconnect | None
    traffic: Traffic

    @property
    def predicted(self) -> MemoryEstimate:
        """The estimate without any calibration."""
        return memory.estimate(self.model, self.gpu, self.engine, interconnect=self.interconnect)

    def calibration(self, **known: object) -> Calibration:
        """Return a calibration about this setting."""
        return Calibration(
            namespace=self.namespace,
            model_id=self.model.id,
            gpu_type=self.gpu_type,
            engine=self.engine,
            **known,  # type: ignore[arg-type] # fields of Calibration, by name
        )


def from_cache(setting: Setting, *, blocks: int, block_size: int) -> Calibration | Refused[Unusable]:
    """Calibrate the KV cache by `vllm:cache_config_info`: blocks of `block_size` tokens on one GPU.

    GiB = blocks x bytes of one block by the memory model, whose blocks may hold another number of tokens.
    """
    law = memory_law(setting.engine.version)
    layout = cache_layout(setting.model, setting.engine, law, setting.model.num_hidden_layers)
    if blocks <= 0 or block_size <= 0:
        return Refused(Unusable.ABSURD, f"{blocks} blocks of {block_size} tokens")
    gib = blocks * block_size / layout.block_tokens * layout.block_bytes / GIB
    held = _kv_cache(setting.engine, setting.predicted, gib)
    if isinstance(held, Refused):
        return held
    tokens = int(blocks // layout.groups * block_size * held / gib)
    clamped = "" if held == gib else f", clamped from {gib:.2f} GiB"
    source = f"vllm:cache_config_info: {blocks} blocks of {block_size} tokens{clamped}"
    return setting.calibration(kv_cache_gib=round(held, 3), kv_cache_tokens=tokens, source=source)


def from_log(setting: Setting, figures: EngineFigures) -> Calibration | Refused[Unusable]:
    """Calibrate every term that a start-up log printed; one that is absurd makes the whole log worthless."""
    seen, predicted = figures.calibration("start-up log"), setting.predicted
    checks = (
        _ratio("weights", seen.weights_gib, predicted.weights_gib),
        _at_most("activation", seen.activation_gib, LARGEST_SIDE_TERM * predicted.usable_gib),
        _at_most("non-torch memory", seen.non_torch_gib, LARGEST_SIDE_TERM * predicted.usable_gib),
        _at_most("CUDA graphs", seen.cuda_graph_gib, LARGEST_SIDE_TERM * predicted.usable_gib),
        _near("usable memory", seen.usable_gib, predicted.usable_gib),
    )
    wrong = next((check for check in checks if check is not None), None)
    if wrong is not None:
        return wrong
    held = None if seen.kv_cache_gib is None else _kv_cache(setting.engine, predicted, seen.kv_cache_gib)
    if isinstance(held, Refused):
        return held
    if held is None and seen.weights_gib is None:
        return Refused(Unusable.QUIET, "the log has none of the lines that are known")
    return setting.calibration(
        weights_gib=seen.weights_gib,
        activation_gib=seen.activation_gib,
        non_torch_gib=None if seen.non_torch_gib is None else max(0.0, seen.non_torch_gib),
        cuda_graph_gib=seen.cuda_graph_gib,
        usable_gib=seen.usable_gib,
        kv_cache_gib=held,
        kv_cache_tokens=figures.kv_cache_tokens,
        source="start-up log",
    )


def from_windows(setting: Setting, windows: Sequence[Window], *, now_seconds: float) -> Calibration | Refused[Unusable]:
    """Calibrate the speed by what an engine did, against the uncalibrated model at the same number of requests."""
    if setting.traffic.output_tokens <= 0 or setting.model.pooling:
        return Refused(Unusable.QUIET, "nothing is generated")
    predicted = setting.predicted

    def token_seconds(running: float) -> float:
        point = throughput.at_concurrency(
            setting.model,
            setting.gpu,
            setting.engine,
            predicted,
            setting.traffic,
            concurrency=running,
            interconnect=setting.interconnect,
        )
        return point.time_per_output_token_ms / 1000

    speed = throughput.calibrate(windows, token_seconds, now_seconds=now_seconds, max_age_seconds=WINDOW_AGE_SECONDS)
    if isinstance(speed, Refused):
        return speed
    first_token = speed.first_token_seconds
    return setting.calibration(
        speed_scale=round(speed.scale, 3),
        speed_confidence=speed.confidence,
        speed_samples=speed.samples,
        first_token_ms=None if first_token is None else round(first_token * 1000, 1),
        source=f"{speed.samples} windows of the engine's counters",
    )


def merged(old: Calibration | None, new: Calibration) -> Calibration:
    """Return the old calibration with everything that the new one knows; what starts now is not out of memory."""
    if old is None:
        return new
    known = {
        name: value
        for name in (*_TERMS, "kv_cache_tokens", "longest_context")
        if (value := getattr(new, name)) is not None
    }
    if new.speed_scale is not None:
        known |= {
            "speed_scale": new.speed_scale,
            "speed_confidence": new.speed_confidence,
            "speed_samples": new.speed_samples,
            "first_token_ms": new.first_token_ms,
        }
    return replace(old, **known, out_of_memory=new.out_of_memory, learned_at=new.learned_at, source=new.source)


def is_material(old: Calibration | None, new: Calibration) -> bool:
    """Whether the new calibration says what the old one does not, beyond the noise of a reading."""
    if old is None or bool(old.out_of_memory) != bool(new.out_of_memory):
        return True
    terms = any(
        _differs(getattr(old, name), getattr(new, name), MATERIAL_GIB, MATERIAL_SHARE)
        for name in _TERMS
        if getattr(new, name) is not None
    )
    if terms or new.speed_scale is None:
        return terms
    first_token = new.first_token_ms is not None and _differs(
        old.first_token_ms, new.first_token_ms, 0, MATERIAL_FIRST_TOKEN
    )
    speed = _differs(old.speed_scale, new.speed_scale, 0, MATERIAL_SPEED)
    return first_token or speed or old.speed_confidence != new.speed_confidence


def _differs(old: float | None, new: float, least: float, share: float) -> bool:
    return old is None or abs(new - old) > max(least, share * abs(old))


def _kv_cache(engine: EngineSettings, predicted: MemoryEstimate, gib: float) -> float | Refused[Unusable]:
    """Hold a KV cache against what the card can hold beside the weights, and against the estimate."""
    most = predicted.usable_gib * engine.gpu_memory_utilization - SMALLEST_RATIO * predicted.weights_gib
    least = SMALLEST_RATIO * predicted.required_kv_gib
    if not isfinite(gib) or not least <= gib <= most:
        return Refused(Unusable.ABSURD, f"{gib:.2f} GiB of KV cache; possible are {least:.2f} to {most:.2f}")
    surprise = LARGEST_SURPRISE * predicted.usable_gib
    return min(max(gib, predicted.kv_cache_gib - surprise), predicted.kv_cache_gib + surprise)


def _ratio(name: str, seen: float | None, estimated: float) -> Refused[Unusable] | None:
    if seen is None or SMALLEST_RATIO * estimated <= seen <= LARGEST_RATIO * estimated:
        return None
    return Refused(Unusable.ABSURD, f"{seen:.2f} GiB of {name}, estimated {estimated:.2f}")


def _at_most(name: str, seen: float | None, most: float) -> Refused[Unusable] | None:
    # Differences of rounded figures may come out slightly below zero.
    if seen is None or -MATERIAL_GIB <= seen <= most:
        return None
    return Refused(Unusable.ABSURD, f"{seen:.2f} GiB of {name}; possible are 0 to {most:.2f}")


def _near(name: str, seen: float | None, known: float) -> Refused[Unusable] | None:
    if seen is None or abs(seen - known) <= USABLE_TOLERANCE * known:
        return None
    return Refused(Unusable.ABSURD, f"{seen:.2f} GiB of {name}, the node says {known:.2f}")
