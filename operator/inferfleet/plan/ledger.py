"""The money gate: what every budget policy has promised, and whether one more promise fits.

In: a world's policies and holdings. A `Ledger` is a scratch pad of one planning pass: it starts from what is held and
is charged with what the pass admits. Rule 1: real-time USD per hour x 730 plus commitments stay within usdPerMonth, in
total and per category. A batch forecast must fit beside all of them. A policy in `Warn` reports and does not refuse.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from inferfleet.api.enums import Category, Enforcement, WorkloadClass
from inferfleet.domain.demand import Demand, Holding, Labels
from inferfleet.domain.money import HOURS_PER_MONTH, usd_text
from inferfleet.domain.world import Policy, World
from inferfleet.plan.rules import selects

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one deployment would hold: its run-rate in USD per month (real time) or its total in USD (batch)."""

    uid: str
    namespace: str
    name: str
    labels: Labels
    category: Category
    batch: bool
    usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """Why a policy refuses: which, the need, and by how many USD it falls short (None: not a question of money)."""

    policy: str
    message: str
    enforced: bool
    available: Decimal = ZERO


def commitments(policy: Policy, category: Category | None = None) -> Decimal:
    """USD per month that a policy promised outside the operator, of one category or of all."""
    return sum(
        (
            item.gpus * item.hours_per_month * item.usd_per_gpu_hour
            for item in policy.spec.commitments
            if category is None or item.category is category
        ),
        ZERO,
    )


class Ledger:
    """Promises of one planning pass, by owner UID."""

    def __init__(self, world: World) -> None:
        """Start from what every deployment holds now."""
        self._policies = world.policies
        self._claims = {uid: held_claim(holding) for uid, holding in world.holdings.items()}

    def held(self, uid: str) -> Decimal:
        """USD that this deployment holds now: per month, or in total for a batch."""
        return self._claims[uid].usd if uid in self._claims else ZERO

    def record(self, claim: Claim) -> None:
        """Replace what the deployment holds; a claim of nothing frees it."""
        if claim.usd:
            self._claims[claim.uid] = claim
        else:
            self._claims.pop(claim.uid, None)

    def shortages(self, claim: Claim, policies: Iterable[Policy]) -> tuple[Shortage, ...]:
        """Return every policy's objection to the claim; a claim no larger than what is held meets none about money."""
        found = []
        for policy in policies:
            shortage = self._barred(policy, claim) or self._beyond(policy, claim)
            if shortage is not None:
                found.append(shortage)
        return tuple(found)

    def available(self, claim: Claim, policies: Iterable[Policy]) -> Decimal | None:
        """Return the most USD that the enforcing policies leave for this claim's owner, None without a limit."""
        left = [
            limit - self._reserved(policy, claim, category)
            for policy in policies
            if policy.spec.enforcement is not Enforcement.WARN
            for limit, category in _limits(policy, claim.category)
        ]
        return min(left, default=None)

    def _barred(self, policy: Policy, claim: Claim) -> Shortage | None:
        allowed = policy.spec.allowed_categories
        if not allowed or claim.category in allowed or claim.uid in self._claims:
            return None
        names = ", ".join(allowed)
        message = f"BudgetPolicy {policy.name} pays for {names}, not for category {claim.category}"
        return Shortage(policy=policy.name, message=message, enforced=_enforced(policy))

    def _beyond(self, policy: Policy, claim: Claim) -> Shortage | None:
        if claim.usd <= self.held(claim.uid):
            return None
        for limit, category in _limits(policy, claim.category):
            others = self._reserved(policy, claim, category)
            if others + claim.usd > limit:
                message = self._refusal(policy, claim, limit, category, others)
                return Shortage(
                    policy=policy.name, message=message, enforced=_enforced(policy), available=limit - others
                )
        return None

    def _reserved(self, policy: Policy, claim: Claim, category: Category | None) -> Decimal:
        """What all other owners under the policy hold against the claim's rule, plus commitments."""
        held = sum((other.usd for other in self._others(policy, claim, category)), ZERO)
        return held + commitments(policy, category)

    def _others(self, policy: Policy, claim: Claim, category: Category | None) -> list[Claim]:
        return [
            other
            for other in self._claims.values()
            if other.uid != claim.uid
            and (category is None or other.category is category)
            and (claim.batch or not other.batch)
            and selects(policy.spec.namespace_selector, other.labels)
        ]

    def _refusal(self, policy: Policy, claim: Claim, limit: Decimal, category: Category | None, others: Decimal) -> str:
        unit = "USD in total" if claim.batch else "USD per month"
        line = f"category {category} of BudgetPolicy {policy.name}" if category else f"BudgetPolicy {policy.name}"
        short = claim.usd + others - limit
        return (
            f"needs {usd_text(claim.usd)} {unit}; {line} has {usd_text(max(ZERO, limit - others))} of "
            f"{usd_text(limit)} left, {usd_text(short)} short; held by {self._holders(policy, claim, category)}"
        )

    def _holders(self, policy: Policy, claim: Claim, category: Category | None) -> str:
        """Name holders of the claim's own namespace; those of others stay private."""
        others = self._others(policy, claim, category)
        parts = [
            f"{other.name} {usd_text(other.usd)}"
            for other in sorted(others, key=lambda other: (-other.usd, other.name))
            if other.namespace == claim.namespace
        ]
        foreign = sum((other.usd for other in others if other.namespace != claim.namespace), ZERO)
        committed = commitments(policy, category)
        parts += [f"other namespaces {usd_text(foreign)}"] if foreign else []
        parts += [f"commitments {usd_text(committed)}"] if committed else []
        return ", ".join(parts) or "nobody"


def held_claim(holding: Holding) -> Claim:
    """Turn what a deployment holds into a claim at the prices it is charged."""
    batch = holding.workload_class is WorkloadClass.BATCH
    hourly = sum((placement.usd_per_hour for placement in holding.placements), ZERO)
    total = Decimal(holding.usd_total) if holding.usd_total is not None else hourly * HOURS_PER_MONTH
    return Claim(
        uid=holding.uid,
        namespace=holding.namespace,
        name=holding.name,
        labels=holding.namespace_labels,
        category=holding.category,
        batch=batch,
        usd=total if batch else hourly * HOURS_PER_MONTH,
    )


def claim_of(demand: Demand, usd: Decimal) -> Claim:
    """The claim of a demand for USD per month (real time) or USD in total (batch)."""
    workload = demand.spec.workload
    return Claim(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        labels=demand.namespace_labels,
        category=workload.category,
        batch=workload.workload_class is WorkloadClass.BATCH,
        usd=usd,
    )


def _limits(policy: Policy, category: Category) -> list[tuple[Decimal, Category | None]]:
    limits: list[tuple[Decimal, Category | None]] = [(policy.spec.usd_per_month, None)]
    return limits + [(cap.usd_per_month, category) for cap in policy.spec.categories if cap.name is category]


def _enforced(policy: Policy) -> bool:
    return policy.spec.enforcement is not Enforcement.WARN
