"""The money gate: what every budget policy has promised, and whether one more promise fits.

In: a world's policies and holdings. A `Ledger` is a scratch pad of one planning pass: it starts from what is held and
is charged with what the pass admits. Rule 1: real-time USD per hour x 730 plus commitments stay within usdPerMonth, in
total and per category. A batch forecast must fit beside all of them. A policy in `Warn` reports and does not refuse.
Real-time work counts at least with the GPUs that its pods still occupy: a smaller decision frees no money by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from inferfleet.api.enums import Category, Enforcement, Role, WorkloadClass
from inferfleet.api.v1alpha1 import selects
from inferfleet.budget.usage import occupied_usd
from inferfleet.domain.demand import Demand, Holding, Labels
from inferfleet.domain.money import HOURS_PER_MONTH
from inferfleet.domain.wording import usd_text
from inferfleet.domain.world import Policy, World

ZERO = Decimal(0)
# A message names this many holders of the namespace and sums up the rest: Kubernetes bounds messages.
HOLDERS_NAMED = 5


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
    """Why a policy refuses, with the need and the shortfall in words; `enforced` False: it only warns."""

    policy: str
    message: str
    enforced: bool


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
    """Promises of one planning pass, by owner UID, with running sums per policy so that a question costs no search."""

    def __init__(self, world: World) -> None:
        """Start from what every deployment holds now."""
        self._policies = world.policies
        self._claims: dict[str, Claim] = {}
        self._journal: list[Claim] = []
        self._occupied = occupied_usd(world)
        self._sums: dict[tuple[str, Category | None, bool], Decimal] = {}
        self._matching: dict[Labels, tuple[Policy, ...]] = {}
        self._committed = {
            (policy.name, category): commitments(policy, category)
            for policy in world.policies
            for category in (None, *Category)
        }
        for holding in world.holdings.values():
            self.record(held_claim(holding))

    def charges(self) -> dict[str, Decimal]:
        """USD by owner that others have to leave: per month, or in total for a batch. Owners of nothing are absent."""
        return {uid: self._charged(claim) for uid, claim in self._claims.items()}

    def held(self, uid: str) -> Decimal:
        """USD that this deployment holds now: per month, or in total for a batch."""
        return self._claims[uid].usd if uid in self._claims else ZERO

    def _held_as(self, claim: Claim, category: Category | None = None) -> Decimal:
        """USD that the claim's owner holds already against a limit: in another category it holds nothing of a cap."""
        own = self._claims.get(claim.uid)
        return own.usd if own is not None and category in (None, own.category) else ZERO

    def record(self, claim: Claim) -> None:
        """Replace what the deployment holds; a claim of nothing frees it, as far as its pods are gone."""
        self._journal.append(claim)
        before = self._claims.pop(claim.uid, None)
        if before is not None:
            self._add(before, -self._charged(before))
        charged = self._charged(claim)
        if charged:
            self._claims[claim.uid] = claim
            self._add(claim, charged)

    def shortages(self, claim: Claim, policies: Iterable[Policy]) -> tuple[Shortage, ...]:
        """Return every policy's objection to the claim; a claim no larger than what is held meets none about money."""
        found = (self._barred(policy, claim) or self._beyond(policy, claim) for policy in policies)
        return tuple(shortage for shortage in found if shortage is not None)

    def headroom(self, claim: Claim, policies: Iterable[Policy]) -> "Headroom":
        """Return what the enforcing policies leave for this claim's owner now; its USD do not matter."""
        enforcing = tuple(policy for policy in policies if _enforced(policy))
        left = [
            max(limit - self._reserved(policy, claim, category), self._held_as(claim, category))
            for policy in enforcing
            for limit, category in _limits(policy, claim.category)
        ]
        barred = next((found for policy in enforcing if (found := self._barred(policy, claim))), None)
        return Headroom(
            claim=claim,
            policies=enforcing,
            limit=min(left, default=None),
            barred=barred,
            ledger=self,
            entry=len(self._journal),
        )

    def as_of(self, entry: int) -> "Ledger":
        """Return the ledger as it was when it had this many entries."""
        if entry == len(self._journal):
            return self
        past = Ledger(World(policies=self._policies))
        past._occupied = self._occupied
        for claim in self._journal[:entry]:
            past.record(claim)
        return past

    def _charged(self, claim: Claim) -> Decimal:
        """What others have to leave for it: what it holds, and for real-time work no less than its pods occupy."""
        return claim.usd if claim.batch else max(claim.usd, self._occupied.get(claim.uid, ZERO))

    def _add(self, claim: Claim, usd: Decimal) -> None:
        for policy in self._policies_of(claim.labels):
            for category in (None, claim.category):
                key = (policy.name, category, claim.batch)
                self._sums[key] = self._sums.get(key, ZERO) + usd

    def _policies_of(self, labels: Labels) -> tuple[Policy, ...]:
        if labels not in self._matching:
            self._matching[labels] = tuple(
                policy for policy in self._policies if selects(policy.spec.namespace_selector, labels)
            )
        return self._matching[labels]

    def _barred(self, policy: Policy, claim: Claim) -> Shortage | None:
        allowed = policy.spec.allowed_categories
        if not allowed or claim.category in allowed or self._held_as(claim, claim.category):
            return None
        names = ", ".join(allowed)
        message = f"BudgetPolicy {policy.name} pays for {names}, not for category {claim.category}"
        return Shortage(policy=policy.name, message=message, enforced=_enforced(policy))

    def _beyond(self, policy: Policy, claim: Claim) -> Shortage | None:
        for limit, category in _limits(policy, claim.category):
            if claim.usd <= self._held_as(claim, category):
                continue
            others = self._reserved(policy, claim, category)
            if others + claim.usd > limit:
                message = self._refusal(policy, claim, limit, category, others)
                return Shortage(policy=policy.name, message=message, enforced=_enforced(policy))
        return None

    def _reserved(self, policy: Policy, claim: Claim, category: Category | None) -> Decimal:
        """What all other owners under the policy hold against the claim's rule, plus commitments."""
        held = self._sums.get((policy.name, category, False), ZERO)
        if claim.batch:
            held += self._sums.get((policy.name, category, True), ZERO)
        own = self._claims.get(claim.uid)
        if own is not None and (category is None or own.category is category) and own.batch <= claim.batch:
            held -= self._charged(own) if policy in self._policies_of(own.labels) else ZERO
        return held + self._committed[policy.name, category]

    def _refusal(self, policy: Policy, claim: Claim, limit: Decimal, category: Category | None, others: Decimal) -> str:
        unit = "USD in total" if claim.batch else "USD per month"
        line = f"category {category} of BudgetPolicy {policy.name}" if category else f"BudgetPolicy {policy.name}"
        short = claim.usd + others - limit
        return (
            f"needs {usd_text(claim.usd)} {unit}; {line} has {usd_text(max(ZERO, limit - others))} of "
            f"{usd_text(limit)} left, {usd_text(short)} short; held by "
            f"{self._holders(policy, claim, category, others)}"
        )

    def _holders(self, policy: Policy, claim: Claim, category: Category | None, others: Decimal) -> str:
        """Name the largest holders of the claim's own namespace; those of others stay private."""
        own = [
            other
            for other in self._claims.values()
            if other.namespace == claim.namespace
            and other.uid != claim.uid
            and (category is None or other.category is category)
            and (claim.batch or not other.batch)
        ]
        own.sort(key=lambda other: (-self._charged(other), other.name))
        committed = self._committed[policy.name, category]
        foreign = others - committed - sum((self._charged(other) for other in own), ZERO)
        parts = [f"{other.name} {usd_text(self._charged(other))}" for other in own[:HOLDERS_NAMED]]
        rest = sum((self._charged(other) for other in own[HOLDERS_NAMED:]), ZERO)
        parts += [f"{len(own) - HOLDERS_NAMED} more here {usd_text(rest)}"] if rest else []
        parts += [f"other namespaces {usd_text(foreign)}"] if foreign else []
        parts += [f"commitments {usd_text(committed)}"] if committed else []
        return ", ".join(parts) or "nobody"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Headroom:
    """What one owner may claim: at most `limit` USD (None: no limit), nothing when barred.

    The limit is never below what it holds already of the same category: that is not taken back here.

    It answers for the moment it was taken: the ledger's journal up to `entry`.
    """

    claim: Claim
    policies: tuple[Policy, ...]
    limit: Decimal | None
    barred: Shortage | None
    ledger: Ledger
    entry: int

    def allows(self, usd: Decimal) -> bool:
        """Tell whether the owner may hold so many USD."""
        return self.barred is None and (self.limit is None or usd <= self.limit)

    def refusal(self, usd: Decimal) -> str:
        """Say which policy refuses so many USD, and who holds the money."""
        past = self.ledger.as_of(self.entry)
        return past.shortages(replace(self.claim, usd=usd), self.policies)[0].message


def held_claim(holding: Holding) -> Claim:
    """Turn what a deployment holds into a claim at the prices it is charged."""
    batch = holding.workload_class is WorkloadClass.BATCH
    ended = holding.finished and not holding.bound
    hourly = sum((placement.usd_per_hour for placement in holding.placements), ZERO) + _reserved_hourly(holding)
    total = Decimal(holding.usd_total) if holding.usd_total is not None else hourly * HOURS_PER_MONTH
    return Claim(
        uid=holding.uid,
        namespace=holding.namespace,
        name=holding.name,
        labels=holding.namespace_labels,
        category=holding.category,
        batch=batch,
        usd=ZERO if ended else total if batch else hourly * HOURS_PER_MONTH,
    )


def _reserved_hourly(holding: Holding) -> Decimal:
    """USD per hour held beyond what runs: `reserve: Max` is held as if all were of the dearest kind that stays."""
    staying = [item for item in holding.placements if item.role is not Role.DRAINING and item.replicas]
    dearest = max((item.tensor_parallel_size * item.usd_per_gpu_hour for item in staying), default=ZERO)
    runs = sum((item.usd_per_hour for item in staying), ZERO)
    return max(ZERO, holding.reserved_replicas * dearest - runs)


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
