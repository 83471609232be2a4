"""What is asked of a replica: the mean request, and how long it may take.

In: a spec. Out: tokens per request and latency objectives; what a batch leaves open is assumed, and said so.
"""

from dataclasses import dataclass

from inferfleet.api.v1alpha1 import InferenceDeploymentSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Mean shape of a request: prompt and generated tokens (output 0: pooling models, prefill alone)."""

    input_tokens: int
    output_tokens: int
    prefix_hit_rate: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """Latency objectives in milliseconds; None: throughput alone counts (batch work)."""

    time_per_output_token_ms: float | None
    time_to_first_token_ms: float | None


# Means assumed for a batch that does not say how long its requests are (api.md, spec.batch): confidence is then Low.
ASSUMED_BATCH_TRAFFIC = Traffic(input_tokens=1000, output_tokens=500)


def traffic_of(spec: InferenceDeploymentSpec) -> Traffic:
    """Return the mean request of real-time traffic or of a batch, assumed where a batch does not say."""
    if spec.traffic is not None:
        return Traffic(input_tokens=spec.traffic.input_tokens, output_tokens=spec.traffic.output_tokens)
    if spec.batch is None:
        return ASSUMED_BATCH_TRAFFIC
    outputs = spec.batch.output_tokens
    return Traffic(
        input_tokens=spec.batch.input_tokens or ASSUMED_BATCH_TRAFFIC.input_tokens,
        output_tokens=ASSUMED_BATCH_TRAFFIC.output_tokens if outputs is None else outputs,
    )


def stated_request(spec: InferenceDeploymentSpec) -> int:
    """Return input plus output tokens of the mean request as far as they are stated, 0 when nothing is."""
    stated = spec.traffic or spec.batch
    return 0 if stated is None else (stated.input_tokens or 0) + (stated.output_tokens or 0)


def objectives_of(spec: InferenceDeploymentSpec) -> Objectives:
    """Return the latency objectives; batch work has none."""
    if spec.batch is not None:
        return Objectives(time_per_output_token_ms=None, time_to_first_token_ms=None)
    first_token = spec.objectives.time_to_first_token_milliseconds
    return Objectives(
        time_per_output_token_ms=float(spec.objectives.time_per_output_token_milliseconds),
        time_to_first_token_ms=None if first_token is None else float(first_token),
    )
