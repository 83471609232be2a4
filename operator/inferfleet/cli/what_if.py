"""What-ifs: a decision with another price or rate, without a pool, or under a spending limit.

In: `price:GPU_OR_POOL=USD`, `rate=N`, `rate:NAME=N`, `no-pool:NAME`, and USD per month. Out: a changed world and
changed demands. Every name must exist: a what-if about nothing would look like an answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pydantic import TypeAdapter, ValidationError

from inferfleet.api.enums import RealTimeSpot
from inferfleet.api.scalars import Money
from inferfleet.api.v1alpha1 import BudgetPolicySpec, LabelSelector
from inferfleet.api.v1alpha1.budget_policy import SpotRules
from inferfleet.budget import matching
from inferfleet.cli.exit import BadInput
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.gpu import Price
from inferfleet.domain.world import Policy, Pool, World

FORMS = "price:GPU_OR_POOL=USD, rate=N, rate:NAME=N, no-pool:NAME"
PRICE_SOURCE = "what if"
LIMIT_NAME = "max-usd-per-month"
_MONEY = TypeAdapter[Decimal](Money)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Assumptions: prices in USD per GPU-hour, rates in requests/s ("" for all), pools left out, USD per month."""

    prices: tuple[tuple[str, Decimal], ...] = ()
    rates: tuple[tuple[str, Decimal], ...] = ()
    without: tuple[str, ...] = ()
    usd_per_month: Decimal | None = None


def read_changes(texts: Sequence[str], *, max_usd_per_month: str | None) -> Changes:
    """Parse the command line. Raises `BadInput` with all that is wrong."""
    prices, rates, without = [], [], []
    problems: list[str] = []
    for text in texts:
        kind, _, rest = text.partition(":")
        name, equals, value = rest.rpartition("=") if ":" in text else text.partition("=")
        if kind == "no-pool" and rest:
            without.append(rest)
        elif kind == "price" and name and equals:
            prices.append((name, _number(f"--what-if {text}", value, problems)))
        elif kind == "rate" and name and equals:
            rates.append((name, _number(f"--what-if {text}", value, problems)))
        elif name == "rate" and equals:
            rates.append(("", _number(f"--what-if {text}", value, problems)))
        else:
            problems.append(f"--what-if: {text} must be one of {FORMS}")
    limit = _number("--max-usd-per-month", max_usd_per_month, problems) if max_usd_per_month is not None else None
    if problems:
        raise BadInput(*dict.fromkeys(problems))
    return Changes(prices=tuple(prices), rates=tuple(rates), without=tuple(without), usd_per_month=limit)


def _number(flag: str, text: str, problems: list[str]) -> Decimal:
    try:
        return _MONEY.validate_python(text)
    except ValidationError:
        problems.append(f"{flag}: {text!r} must be a decimal such as 1.60, with at most six digits after the point")
        return Decimal(1)


def apply_changes(world: World, demands: Sequence[Demand], changes: Changes) -> tuple[World, tuple[Demand, ...]]:
    """Return the world and the demands as assumed. Raises `BadInput` for a name that nothing has."""
    _refuse_unknown(world, demands, changes)
    pools = tuple(_priced(pool, changes) for pool in world.pools if pool.name not in changes.without)
    policies = world.policies
    if changes.usd_per_month is not None:
        policies = (*policies, _limit(world, demands, changes.usd_per_month))
    holdings = {uid: _charged(holding, pools) for uid, holding in world.holdings.items()} if changes.prices else None
    changed = replace(world, pools=pools, policies=policies, holdings=holdings or world.holdings)
    return changed, tuple(_rated(demand, changes) for demand in demands)


def _refuse_unknown(world: World, demands: Sequence[Demand], changes: Changes) -> None:
    pools, gpu_types = {pool.name for pool in world.pools}, {pool.gpu_type for pool in world.pools}
    names = {demand.name for demand in demands if demand.spec.traffic} | {""}
    known = ", ".join(sorted(pools)) or "none"
    problems = [
        f"--what-if price:{name}: is neither a pool ({known}) nor a GPU type of one ({', '.join(sorted(gpu_types))})"
        for name, _ in changes.prices
        if name not in pools | gpu_types
    ]
    problems += [f"--what-if no-pool:{name}: there are {known}" for name in changes.without if name not in pools]
    problems += [
        f"--what-if rate:{name}: is no InferenceDeployment with traffic; there are {', '.join(sorted(names - {''}))}"
        for name, _ in changes.rates
        if name not in names
    ]
    if problems:
        raise BadInput(*problems)


def _priced(pool: Pool, changes: Changes) -> Pool:
    """A pool's own price goes before the price of its GPU type, and the last one given before earlier ones."""
    for wanted in (pool.name, pool.gpu_type):
        given = [usd for name, usd in changes.prices if name == wanted]
        if given:
            price = Price(capacity_type=pool.capacity_type, usd_per_gpu_hour=given[-1], source=PRICE_SOURCE)
            return replace(pool, price=price)
    return pool


def _charged(holding: Holding, pools: Sequence[Pool]) -> Holding:
    """Charge what runs at the assumed prices, as the operator would once they were real."""
    assumed = {pool.name: pool.price for pool in pools if pool.price and pool.price.source == PRICE_SOURCE}
    return replace(
        holding,
        placements=tuple(
            replace(placement, price=price) if (price := assumed.get(placement.pool)) is not None else placement
            for placement in holding.placements
        ),
    )


def _rated(demand: Demand, changes: Changes) -> Demand:
    given = [rate for name, rate in changes.rates if name in ("", demand.name)]
    if not given or demand.spec.traffic is None:
        return demand
    traffic = demand.spec.traffic.model_copy(update={"requests_per_second": given[-1]})
    return replace(demand, spec=demand.spec.model_copy(update={"traffic": traffic}))


def _limit(world: World, demands: Sequence[Demand], usd_per_month: Decimal) -> Policy:
    """Return a budget over everything that bounds money alone.

    Spot for real-time work needs a policy that allows it and none that forbids it. Where policies match all demands,
    this one allows it and leaves the question to them.
    """
    governed = all(matching(world, demand.namespace_labels) for demand in demands)
    spec = BudgetPolicySpec(
        namespace_selector=LabelSelector(),
        usd_per_month=usd_per_month,
        spot=SpotRules(real_time=RealTimeSpot.ALLOWED if governed else RealTimeSpot.NEVER),
    )
    return Policy(name=LIMIT_NAME, spec=spec)
