"""Read how an engine ran out of GPU memory: what it had, what it needed, what was predicted.

In: the setting it was started with, and its termination message or log. Out: an `OutOfMemory` with a calibration, None
when it ended for another reason. Pure. A figure that cannot be is left out; that the memory ran out stays true.
"""

from dataclasses import dataclass

from inferfleet.domain.calibration import Calibration
from inferfleet.domain.memory import MemoryEstimate
from inferfleet.engine.calibration.engine_log import EngineFigures, Failure, read_engine_log
from inferfleet.engine.calibration.judge import Setting

_STARTING = (Failure.CONTEXT_TOO_LONG, Failure.NO_CACHE_MEMORY)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfMemory:
    """An engine ran out of memory. `failure` says how; `message` holds predicted and actual numbers."""

    calibration: Calibration
    failure: Failure
    message: str

    @property
    def while_starting(self) -> bool:
        """Whether this can only happen before the engine serves: then once is proof."""
        return self.failure in _STARTING

    @property
    def of_others(self) -> bool:
        """Whether something else held the card's memory: another start may find it free."""
        return self.failure is Failure.DEVICE_NOT_FREE


def read_out_of_memory(setting: Setting, text: str) -> OutOfMemory | None:
    """Return how the memory ran out by a termination message or log, None when the text does not say that it did."""
    figures = read_engine_log(text)
    if figures.failure is None:
        return None
    predicted = setting.predicted
    message = f"{_actual(setting, figures)}; {_expected(setting, predicted)}"
    pool = figures.kv_cache_gib
    sane = pool is not None and abs(pool) <= predicted.usable_gib and figures.failure in _STARTING
    calibration = setting.calibration(
        out_of_memory=message,
        kv_cache_gib=pool if sane else None,
        longest_context=_proposed(setting, figures),
        source="termination message",
    )
    return OutOfMemory(calibration=calibration, failure=figures.failure, message=message)


def _actual(setting: Setting, figures: EngineFigures) -> str:
    match figures.failure:
        case Failure.CONTEXT_TOO_LONG:
            needed = "" if figures.required_kv_gib is None else f" where {figures.required_kv_gib:.2f} were needed"
            had = "too little" if figures.kv_cache_gib is None else f"{figures.kv_cache_gib:.2f} GiB of"
            longest = _proposed(setting, figures)
            return f"{had} KV cache{needed}" + (f", enough for {longest} tokens" if longest else "")
        case Failure.NO_CACHE_MEMORY:
            left = "" if figures.kv_cache_gib is None else f" ({figures.kv_cache_gib:.2f} GiB)"
            return f"nothing was left for the KV cache{left}"
        case Failure.DEVICE_NOT_FREE:
            free = (
                "" if figures.free_gib is None else f": {figures.free_gib:.2f} of {figures.total_gib or 0:.2f} GiB free"
            )
            return f"something else holds memory of the GPU{free}"
        case _:
            asked = figures.allocation_gib
            return "CUDA out of memory" + ("" if asked is None else f" allocating {asked:.2f} GiB")


def _expected(setting: Setting, predicted: MemoryEstimate) -> str:
    return (
        f"predicted were {predicted.kv_cache_gib:.2f} GiB of KV cache and {predicted.required_kv_gib:.2f} for one "
        f"request of {setting.engine.max_model_len} tokens (weights {predicted.weights_gib:.2f}, activation "
        f"{predicted.activation_gib:.2f}, other {predicted.non_torch_gib + predicted.cuda_graph_gib:.2f})"
    )


def _proposed(setting: Setting, figures: EngineFigures) -> int | None:
    """The context that the engine itself would accept: vLLM's proposal, or the tokens that its cache holds."""
    if figures.failure is not Failure.CONTEXT_TOO_LONG:
        return None
    length = figures.estimated_max_model_len or figures.kv_cache_tokens
    return length if length is not None and 0 < length < setting.engine.max_model_len else None
