"""What a million tokens cost: the price of the requested GPUs spread over the volume that they serve.

In: a spec and what it costs. Out: USD per million tokens, input and output together, and whether the volume was
assumed.
"""

from dataclasses import dataclass
from decimal import Decimal

from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.domain.money import HOURS_PER_MONTH
from inferfleet.domain.traffic import ASSUMED_BATCH_TRAFFIC

MILLION = Decimal(1_000_000)
SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """USD per million tokens; `at_peak`: no monthly volume was given, so the peak rate is taken to last all month.

    The true figure is then higher, by the share of the month that is below the peak.
    """

    usd_per_million_tokens: Decimal
    at_peak: bool = False


def unit_cost(
    spec: InferenceDeploymentSpec, *, usd_per_month: Decimal, usd_total: Decimal | None = None
) -> UnitCost | None:
    """Spread USD per month over the month's requests, or a batch's total over its lines; None without any volume."""
    traffic, batch = spec.traffic, spec.batch
    if traffic is not None:
        at_peak = traffic.requests_per_month is None
        requests = Decimal(traffic.requests_per_month or 0)
        if at_peak:
            requests = traffic.requests_per_second * SECONDS_PER_MONTH
        tokens = requests * (traffic.input_tokens + traffic.output_tokens)
        return UnitCost(usd_per_million_tokens=usd_per_month * MILLION / tokens, at_peak=at_peak) if tokens else None
    if batch is None or batch.requests is None or usd_total is None:
        return None
    inputs = batch.input_tokens or ASSUMED_BATCH_TRAFFIC.input_tokens
    outputs = ASSUMED_BATCH_TRAFFIC.output_tokens if batch.output_tokens is None else batch.output_tokens
    tokens = Decimal(batch.requests * (inputs + outputs))
    return UnitCost(usd_per_million_tokens=usd_total * MILLION / tokens) if tokens else None
