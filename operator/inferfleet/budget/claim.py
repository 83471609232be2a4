"""What one owner holds or would hold of the budgets, from what it asks or from what it holds already.

In: a demand and its charge, or a holding. Out: a `Claim`. Knows no policy.
"""

from dataclasses import dataclass

from inferfleet.api.enums import Category, WorkloadClass
from inferfleet.domain.demand import Demand, Holding, Labels
from inferfleet.domain.money import NOTHING, ZERO, Charge, RunRate
from inferfleet.domain.placement import staying
from inferfleet.domain.wording import usd_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one deployment would hold: its run-rate (real time), or its total (`batch`)."""

    uid: str
    namespace: str
    name: str
    labels: Labels
    category: Category
    batch: bool
    charge: Charge

    @property
    def text(self) -> str:
        """The amount in words."""
        unit = "USD in total" if self.batch else "USD per month"
        return f"{usd_text(self.charge.month.usd)} {unit}"


def holding_claim(holding: Holding) -> Claim:
    """Turn what a deployment holds into a claim at the prices it is charged."""
    batch = holding.workload_class is WorkloadClass.BATCH
    run_rate = RunRate.sum(placement.run_rate for placement in holding.placements) + _reserved_beyond(holding)
    holds = bool(holding.bound) or (bool(holding.placements) and not holding.finished)
    if batch:
        charge = Charge(total=run_rate.month if holding.forecast is None else holding.forecast)
    else:
        charge = Charge(run_rate)
    return Claim(
        uid=holding.uid,
        namespace=holding.namespace,
        name=holding.name,
        labels=holding.namespace_labels,
        category=holding.category,
        batch=batch,
        charge=charge if holds else NOTHING,
    )


def _reserved_beyond(holding: Holding) -> RunRate:
    """The rate held beyond what runs: `reserve: Max` is held as if all were of the dearest kind that stays."""
    if not holding.reserved_replicas:
        return RunRate()
    serving = [item for item in staying(holding.placements) if item.replicas]
    dearest = max((item.tensor_parallel_size * item.price.usd_per_gpu_hour for item in serving), default=ZERO)
    runs = RunRate.sum(item.run_rate for item in serving)
    return max(RunRate(), RunRate(holding.reserved_replicas * dearest) - runs)


def claim_of(demand: Demand, charge: Charge) -> Claim:
    """The claim of a demand."""
    workload = demand.spec.workload
    return Claim(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        labels=demand.namespace_labels,
        category=workload.category,
        batch=workload.workload_class is WorkloadClass.BATCH,
        charge=charge,
    )
