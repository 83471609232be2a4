"""The answer to "how fast is one replica?" for one request shape under one latency objective."""

from dataclasses import dataclass
from enum import StrEnum

from inferfleet.api.enums import Confidence


class SpeedLimit(StrEnum):
    """What keeps one replica from being faster."""

    TIME_PER_OUTPUT_TOKEN = "timePerOutputToken"  # noqa: S105 - a name, not a secret
    TIME_TO_FIRST_TOKEN = "timeToFirstToken"  # noqa: S105 - a name, not a secret
    PREFILL = "prefill"
    KV_CACHE = "kvCache"
    MAX_NUM_SEQS = "maxNumSeqs"
    MAX_NUM_BATCHED_TOKENS = "maxNumBatchedTokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Steady state of one replica.

    `concurrency` sequences decode at once, each token takes `time_per_output_token_ms`, the replica finishes
    `requests_per_second` (0 when the objective cannot be met at any concurrency). `prefill_ms` is the floor of the time
    to first token; `prefill_utilization` the share of time spent on prompts. `best_time_per_output_token_ms` is reached
    by a single request: the best objective anybody could ask for. `scale` is the live calibration that was applied.
    """

    requests_per_second: float
    concurrency: float
    time_per_output_token_ms: float
    best_time_per_output_token_ms: float
    prefill_ms: float
    prefill_utilization: float
    output_tokens_per_second: float
    limit: SpeedLimit
    confidence: Confidence
    scale: float = 1.0
    notes: tuple[str, ...] = ()

    @property
    def meets_objectives(self) -> bool:
        """Whether any request rate above zero keeps the objectives."""
        return self.requests_per_second > 0
