"""How long one engine step takes on one GPU type: the batched roofline.

In: footprint, weight format, GPU, link and request shape. Out: a `StepModel` whose `decode_seconds(batch)` and
`prefill_seconds` are cheap enough to bisect on. Time of a step = the slower of reading (weights, touched experts, KV
cache) and computing, plus launch gaps, per-sequence work and all-reduces. Source: throughput notes section 5;
constants in `kernels.py`.
"""

import math
from dataclasses import dataclass

from inferfleet.api.enums import Interconnect
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import GPU
from inferfleet.domain.traffic import Traffic
from inferfleet.engine.memory.formats import WeightFormat
from inferfleet.engine.throughput import kernels as k
from inferfleet.engine.throughput.footprint import Footprint

GIGA = 1e9
TERA = 1e12
ACTIVATION_BYTES = 2.0
ALL_REDUCES_PER_LAYER = 2
# One NVLink all-reduce: start-up 12 us, 15 % more for each doubling of the group.
NVLINK_LATENCY_SECONDS = 12e-6
NVLINK_LATENCY_GROWTH = 0.15
# Usable bytes per second and direction, of the data sheet's per-direction figure (450 GB/s on Hopper).
LINK_EFFICIENCY = 0.7
LINK_GB_PER_S = {7: 150.0, 8: 300.0, 9: 450.0, 10: 900.0, 12: 900.0}
INFINITY_FABRIC_GB_PER_S = 448.0
# Over PCIe without peer access (RTX 4090, H100 PCIe rows of IOG-Foundation/llm-inference-benchmarks).
PCIE_LATENCY_SECONDS = 60e-6
PCIE_GB_PER_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepModel:
    """Coefficients of one replica for one request shape; all times in seconds.

    A decode step of B sequences takes max(read0 + read1 B + experts(B), compute B) + overhead0 + overhead1 B.
    `prefill_seconds` is the time that one prompt's new tokens add to the steps they ride in.
    """

    read_fixed: float
    read_per_sequence: float
    read_experts: float
    picks_per_expert: float
    compute_per_sequence: float
    overhead_fixed: float
    overhead_per_sequence: float
    prefill_seconds: float

    def decode_seconds(self, batch: float) -> float:
        """Seconds of one step in which `batch` sequences each decode one token, no prompt in it."""
        read = self.read_fixed + self.read_per_sequence * batch + self.read_experts * self._touched(batch)
        return max(read, self.compute_per_sequence * batch) + self.overhead_fixed + self.overhead_per_sequence * batch

    def token_seconds(self, batch: float, output_tokens: float) -> float:
        """Mean seconds per output token at steady state, when each step also carries its share of the prompts.

        With B sequences decoding, one of them ends every output_tokens / B steps and a prompt replaces it.
        """
        return self.decode_seconds(batch) + batch / output_tokens * self.prefill_seconds

    def chunk_seconds(self, batch: float, steps: float) -> float:
        """Seconds by which a step outlasts the computing of its chunk, for a prompt spread over `steps` of them.

        A long chunk computes for longer than the step reads and launches, and hides both.
        """
        return max(0.0, self.decode_seconds(batch) - self.prefill_seconds / steps)

    def _touched(self, batch: float) -> float:
        return touched_share(self.picks_per_expert * batch, self.picks_per_expert)


def touched_share(picks_per_expert: float, smallest: float = 0.0) -> float:
    """Return the share of the experts that at least one token of a step picks.

    `picks_per_expert` is the mean number of tokens per expert. Popular experts take most tokens: with popularities
    spread exponentially the counts follow the geometric law, so n / (1 + n) of the experts are touched, against 1 -
    exp(-n) for uniform routing. Leaving out any one model family of the measured rows gives the same law
    (docs/throughput-model.md). `smallest` is what a single token touches.
    """
    return max(smallest, picks_per_expert / (1.0 + picks_per_expert))


def step_model(
    costs: Footprint, layout: WeightFormat, gpu: GPU, engine: EngineSettings, *, traffic: Traffic, link: Interconnect
) -> StepModel:
    """Build the roofline of one replica from what its tokens cost and what the GPU and its link can do."""
    kernel = k.kernels(layout, gpu)
    bandwidth = gpu.memory_bandwidth_gb_per_s * GIGA
    streaming = bandwidth * k.BANDWIDTH_EFFICIENCY
    sixteen = k.sixteen_bit_tflops(gpu) * TERA
    peak = k.low_precision_tflops(gpu, layout.method) * TERA if kernel.low_precision else sixteen
    rate = _rates(costs, kernel, sixteen, peak)
    context = traffic.input_tokens + traffic.output_tokens / 2
    enqueuer = costs.attention_flops_decode * costs.seen(context) / (sixteen * k.MATMUL_EFFICIENCY)
    latency, per_token = _all_reduce(costs, gpu, engine.tensor_parallel_size, link)
    gaps = k.DENSE_LAYER_SECONDS * (costs.layers - costs.expert_layers)
    gaps += kernel.expert_layer_seconds * costs.expert_layers
    return StepModel(
        read_fixed=costs.fixed_bytes / streaming,
        read_per_sequence=(costs.cache_bytes(context) + costs.state_bytes) / streaming,
        read_experts=costs.expert_bytes / (bandwidth * kernel.expert_bandwidth_efficiency),
        picks_per_expert=costs.picks / costs.num_experts if costs.num_experts else 0.0,
        compute_per_sequence=rate + costs.head_flops / (sixteen * k.MATMUL_EFFICIENCY) + enqueuer,
        overhead_fixed=k.STEP_SECONDS + gaps * (k.EAGER_FACTOR if engine.enforce_eager else 1.0) + latency,
        overhead_per_sequence=k.SEQUENCE_SECONDS + per_token,
        prefill_seconds=_prefill_seconds(costs, traffic, rate + per_token, sixteen),
    )


def _rates(costs: Footprint, kernel: k.Kernels, sixteen: float, peak: float) -> float:
    """Seconds of matrix products per token, attention scores and head not included."""
    efficiency = k.LOW_PRECISION_MATMUL_EFFICIENCY if kernel.low_precision else k.MATMUL_EFFICIENCY
    dense = costs.dense_flops / ((peak if kernel.low_precision else sixteen) * efficiency)
    return dense + costs.expert_flops / (peak * kernel.expert_matmul_efficiency)


def _prefill_seconds(costs: Footprint, traffic: Traffic, per_token: float, sixteen: float) -> float:
    """Seconds that the new tokens of one prompt cost; cached tokens cost nothing but are attended to."""
    new = traffic.input_tokens * (1 - traffic.prefix_hit_rate)
    context = traffic.input_tokens - new / 2
    enqueuer = costs.attention_flops_prefill * costs.seen(context) / (sixteen * k.MATMUL_EFFICIENCY)
    return new * (per_token + enqueuer)


def _all_reduce(costs: Footprint, gpu: GPU, size: int, link: Interconnect) -> tuple[float, float]:
    """Return (latency per step, seconds per token) of the all-reduces: two per layer, ring volume."""
    if size == 1:
        return 0.0, 0.0
    count = ALL_REDUCES_PER_LAYER * costs.layers
    volume = count * costs.hidden_size * ACTIVATION_BYTES * 2 * (size - 1) / size
    if link is Interconnect.PCIE:
        return count * PCIE_LATENCY_SECONDS, volume / (PCIE_GB_PER_S * GIGA)
    latency = NVLINK_LATENCY_SECONDS * (1 + NVLINK_LATENCY_GROWTH * math.log2(size))
    return count * latency, volume / (link_gb_per_s(gpu) * LINK_EFFICIENCY * GIGA)


def link_gb_per_s(gpu: GPU) -> float:
    """Return the link bandwidth per direction of the data sheet, by generation (NVLink 2 to 5, Infinity Fabric)."""
    if gpu.compute_capability is None:
        return INFINITY_FABRIC_GB_PER_S
    return LINK_GB_PER_S.get(gpu.compute_capability[0], LINK_GB_PER_S[9])
