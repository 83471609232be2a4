"""What a million tokens cost: the price of the requested GPUs spread over the volume that they serve.

In: a spec and what it costs. Out: USD per million tokens, input and output together, and whether the volume was
assumed.
"""

from dataclasses import dataclass
from decimal import Decimal

from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.domain.money import HOURS_PER_MONTH, RunRate, Total
from inferfleet.domain.traffic import traffic_of

MILLION = Decimal(1_000_000)
SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """USD per million tokens; `at_peak`: no monthly volume was given, so the peak rate is taken to last all month.

    The true figure is then higher, by the share of the month that is below the peak.
    """

    usd_per_million_tokens: Decimal
    at_peak: bool = False


def unit_cost(spec: InferenceDeploymentSpec, run_rate: RunRate, forecast: Total | None = None) -> UnitCost | None:
    """Spread a month of the run-rate over the month's requests, or a batch's forecast over its lines.

    None without any volume.
    """
    request, at_peak = traffic_of(spec), False
    if spec.traffic is not None:
        at_peak = spec.traffic.requests_per_month is None
        requests = Decimal(spec.traffic.requests_per_month or 0)
        if at_peak:
            requests = spec.traffic.requests_per_second * SECONDS_PER_MONTH
        cost = run_rate.month
    elif spec.batch is not None and spec.batch.requests is not None and forecast is not None:
        requests, cost = Decimal(spec.batch.requests), forecast
    else:
        return None
    tokens = requests * (request.input_tokens + request.output_tokens)
    return UnitCost(usd_per_million_tokens=cost.usd * MILLION / tokens, at_peak=at_peak) if tokens else None
