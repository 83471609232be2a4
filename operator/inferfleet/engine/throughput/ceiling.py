"""How many sequences one replica decodes at most, whatever the objectives: cache, sequence limit, token budget.

In: what a token costs, engine settings, the memory verdict, the request shape. Out: the largest batch and what sets it.
"""

from operator import itemgetter

from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import MemoryEstimate
from inferfleet.domain.speed import SpeedLimit
from inferfleet.domain.traffic import Traffic
from inferfleet.engine.throughput.budget import TokenBudget
from inferfleet.engine.throughput.footprint import Footprint

# A running request holds its prompt and, on average over its life and the requests beside it, 0.6 of its output.
HELD_OUTPUT_SHARE = 0.6


def ceiling_of(
    costs: Footprint, engine: EngineSettings, memory: MemoryEstimate, traffic: Traffic, budget: TokenBudget
) -> tuple[float, SpeedLimit]:
    """Return the largest batch of requests of this shape, and the first of the three limits that sets it."""
    limits = (
        (float(engine.max_num_seqs), SpeedLimit.MAX_NUM_SEQS),
        (_kv_sequences(costs, engine, memory, traffic), SpeedLimit.KV_CACHE),
        (budget.largest_batch(), SpeedLimit.MAX_NUM_BATCHED_TOKENS),
    )
    return min(limits, key=itemgetter(0))


def _kv_sequences(costs: Footprint, engine: EngineSettings, memory: MemoryEstimate, traffic: Traffic) -> float:
    """Return how many requests of this shape the KV cache holds at once; at least 1, the memory model admits no less.

    The memory model counts tokens of full-length requests; sliding windows make shorter ones dearer per token, so the
    count is converted by the bytes that each kind reads.
    """
    tokens = traffic.input_tokens + HELD_OUTPUT_SHARE * traffic.output_tokens
    per_sequence = costs.cache_bytes(tokens)
    if per_sequence <= 0:
        return float(engine.max_num_seqs)
    full_token = costs.cache_bytes(engine.max_model_len) / engine.max_model_len
    return max(1.0, memory.kv_cache_tokens * full_token / per_sequence)
