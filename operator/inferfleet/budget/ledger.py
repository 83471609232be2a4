"""What every owner was promised, and whether one more promise fits.

In: a world's policies and holdings. A `Ledger` is the scratch pad of one planning cycle: it starts from what is held
and is charged with what the cycle admits. The rules are those of `statement`. A policy in `Warn` reports and does not
refuse. Real-time work counts at least with the GPUs that its pods still occupy: a smaller decision frees no money.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from inferfleet.api.enums import Category
from inferfleet.api.reasons import ReadyReason
from inferfleet.budget.claim import Claim, holding_claim
from inferfleet.budget.policies import enforced, matching
from inferfleet.budget.statement import Holder, Line, Statement
from inferfleet.budget.usage import occupied
from inferfleet.domain.demand import Labels
from inferfleet.domain.money import NOTHING, ZERO, Charge, RunRate, Total
from inferfleet.domain.refused import Refused
from inferfleet.domain.wording import usd_text
from inferfleet.domain.world import Policy, World

# A message names this many holders of the namespace and sums up the rest: Kubernetes bounds messages.
HOLDERS_NAMED = 5

LineKey = tuple[str, Category | None]
"""A policy's name and a category; None for the whole policy."""


class Ledger:
    """Promises by owner UID, with running sums per policy so that a question costs no search."""

    def __init__(self, world: World, claims: Iterable[Claim] | None = None) -> None:
        """Start from these claims, by default from what every deployment holds now."""
        self._world = world
        self._claims: dict[str, Claim] = {}
        self._journal: list[Claim] = []
        self._occupied = occupied(world)
        self._matching: dict[Labels, tuple[Policy, ...]] = {}
        self._empty = {policy.name: _lines(policy) for policy in world.policies}
        self._run_rates: dict[LineKey, RunRate] = {}
        self._totals: dict[LineKey, Total] = {}
        self._ending: dict[LineKey, RunRate] = {}
        for claim in map(holding_claim, world.holdings.values()) if claims is None else claims:
            self.record(claim)

    def record(self, claim: Claim) -> None:
        """Replace what the deployment holds; a claim of nothing frees it, as far as its pods are gone."""
        self._journal.append(claim)
        before = self._claims.pop(claim.uid, None)
        if before is not None:
            self._add(before, NOTHING - self._charged(before), RunRate() - self._ends(before))
        charged = self._charged(claim)
        if charged:
            self._claims[claim.uid] = claim
            self._add(claim, charged, self._ends(claim))

    def statement(self, policy: Policy) -> Statement:
        """Return the sum of one policy."""
        claims = [claim for claim in self._claims.values() if policy in self._policies_of(claim.labels)]
        holders = [self._holder(claim) for claim in claims]
        holders.sort(key=lambda holder: (-holder.charge.month.usd, holder.namespace, holder.name))
        named = {holder.category for holder in holders}
        lines = [self._line(policy, category) for category in Category]
        shown = [line for line in lines if line.limit is not None or line.committed or line.category in named]
        return Statement(
            policy=policy.name,
            whole=self._line(policy, None),
            categories=tuple(shown),
            holders=tuple(holders),
        )

    def refusal(self, policy: Policy, claim: Claim) -> Refused[ReadyReason] | None:
        """Return a policy's objection to a claim; one no larger than what is held meets none about money."""
        barred = self._barred(policy, claim)
        if barred is not None:
            return barred
        for others, left in self._lines_of(policy, claim):
            if claim.charge.month > left:
                return Refused(ReadyReason.OVER_BUDGET, self._shortage(policy, claim, others))
        return None

    def warning(self, policy: Policy, claim: Claim) -> str | None:
        """Return what a policy that only warns says of a claim, also of one that is held already."""
        said = self._barred(policy, claim)
        words = said.message if said is not None else self._excess(policy, claim)
        return words and f"BudgetPolicy {policy.name} only warns: {words}"

    def _excess(self, policy: Policy, claim: Claim) -> str | None:
        """Say of which line the claim makes more promised than its limit, whoever held it before."""
        for others, _ in self._lines_of(policy, claim):
            if others.with_more(claim.charge).exceeded:
                return self._shortage(policy, claim, others)
        return None

    def headroom(self, claim: Claim, policies: Iterable[Policy]) -> "Headroom":
        """Return what the enforcing policies leave for this claim's owner now; what it claims does not matter."""
        enforcing = tuple(policy for policy in policies if enforced(policy))
        limits = [left for policy in enforcing for _, left in self._lines_of(policy, claim)]
        barred = next((found for policy in enforcing if (found := self._barred(policy, claim))), None)
        return Headroom(
            claim=claim,
            policies=enforcing,
            limit=min(limits, default=None),
            barred=barred,
            ledger=self,
            entry=len(self._journal),
        )

    def as_of(self, entry: int) -> "Ledger":
        """Return the ledger as it was when it had this many entries."""
        return self if entry == len(self._journal) else Ledger(self._world, self._journal[:entry])

    def _charged(self, claim: Claim) -> Charge:
        """What others have to leave for it: what it holds, and for real-time work no less than its pods occupy."""
        ends = self._ends(claim)
        return claim.charge + Charge(ends) if ends else claim.charge

    def _ends(self, claim: Claim) -> RunRate:
        """What pods of real-time work occupy beyond what it was promised: they end."""
        if claim.batch or claim.uid not in self._occupied:
            return RunRate()
        return max(RunRate(), self._occupied[claim.uid] - claim.charge.run_rate)

    def _add(self, claim: Claim, charge: Charge, ending: RunRate) -> None:
        for policy in self._policies_of(claim.labels):
            for key in ((policy.name, None), (policy.name, claim.category)):
                if charge.run_rate:
                    self._run_rates[key] = self._run_rates.get(key, RunRate()) + charge.run_rate
                if charge.total:
                    self._totals[key] = self._totals.get(key, Total()) + charge.total
                if ending:
                    self._ending[key] = self._ending.get(key, RunRate()) + ending

    def _line(self, policy: Policy, category: Category | None) -> Line:
        key = (policy.name, category)
        reserved = Charge(self._run_rates.get(key, RunRate()), self._totals.get(key, Total()))
        return self._empty[policy.name][category].with_more(reserved, self._ending.get(key, RunRate()))

    def _policies_of(self, labels: Labels) -> tuple[Policy, ...]:
        if labels not in self._matching:
            self._matching[labels] = matching(self._world, labels)
        return self._matching[labels]

    def _lines_of(self, policy: Policy, claim: Claim) -> list[tuple[Line, Total]]:
        """The limited lines that a claim is held against, without what its owner has, and what both rules leave it.

        That is never less than what it holds already.
        """
        own = self._claims.get(claim.uid)
        counted = own is not None and policy in self._policies_of(own.labels)
        found = []
        for category in (None, claim.category):
            others, held = self._line(policy, category), NOTHING
            if own is not None and category in (None, own.category):
                held = own.charge
                if counted:
                    others = others.with_more(NOTHING - self._charged(own), RunRate() - self._ends(own))
            left = others.left
            if left is not None:
                found.append((others, max(left, held.month)))
        return found

    def _barred(self, policy: Policy, claim: Claim) -> Refused[ReadyReason] | None:
        """Object to a category that the policy does not pay for, unless something of it is held already."""
        allowed = policy.spec.allowed_categories
        own = self._claims.get(claim.uid)
        if not allowed or claim.category in allowed or (own and own.category is claim.category and own.charge):
            return None
        names = ", ".join(allowed)
        message = f"BudgetPolicy {policy.name} pays for {names}, not for category {claim.category}"
        return Refused(ReadyReason.OVER_BUDGET, message)

    def _holder(self, claim: Claim) -> Holder:
        holding = self._world.holdings.get(claim.uid)
        placements = holding.placements if holding else ()
        largest = max(placements, key=lambda placement: placement.gpus, default=None)
        return Holder(
            uid=claim.uid,
            namespace=claim.namespace,
            name=claim.name,
            category=claim.category,
            charge=self._charged(claim),
            replicas=sum(placement.replicas for placement in placements),
            capacity_type=largest.capacity_type if largest else None,
        )

    def _shortage(self, policy: Policy, claim: Claim, others: Line) -> str:
        """Say what is lacking on a line, of which `others` is what everybody else holds."""
        assert others.limit is not None
        assert others.left is not None
        own = self._line(policy, others.category).reserved.month - others.reserved.month
        left, needed = others.left, claim.charge.month
        name = f"BudgetPolicy {policy.name}"
        line = f"category {others.category} of {name}" if others.category else name
        beside = f" beside the {usd_text(own.usd)} that it holds" if own else ""
        return (
            f"needs {claim.text}; {line} has {usd_text(max(ZERO, (left - own).usd))} of {usd_text(others.limit.usd)} "
            f"left{beside}, {usd_text((needed - left).usd)} short; held by {self._held_by(claim, others)}"
        )

    def _held_by(self, claim: Claim, others: Line) -> str:
        """Name the largest holders of the claim's own namespace; those of others stay private."""
        own = [
            (other.name, self._charged(other).month.usd)
            for other in self._claims.values()
            if other.namespace == claim.namespace
            and other.uid != claim.uid
            and others.category in (None, other.category)
        ]
        own.sort(key=lambda item: (-item[1], item[0]))
        foreign = others.reserved.month.usd - sum((usd for _, usd in own), ZERO)
        parts = [f"{name} {usd_text(usd)}" for name, usd in own[:HOLDERS_NAMED]]
        rest = sum((usd for _, usd in own[HOLDERS_NAMED:]), ZERO)
        parts += [f"{len(own) - HOLDERS_NAMED} more here {usd_text(rest)}"] if rest else []
        parts += [f"other namespaces {usd_text(foreign)}"] if foreign else []
        parts += [f"commitments {usd_text(others.committed.usd)}"] if others.committed else []
        return ", ".join(parts) or "nobody"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Headroom:
    """What one owner may claim: at most `limit` of a month (None: no limit), nothing when barred.

    The limit is never below what it holds already of the same category: that is not taken back here. It answers for
    the moment it was taken: the ledger's journal up to `entry`.
    """

    claim: Claim
    policies: tuple[Policy, ...]
    limit: Total | None
    barred: Refused[ReadyReason] | None
    ledger: Ledger
    entry: int

    def allows(self, charge: Charge) -> bool:
        """Tell whether the owner may hold so much."""
        return self.barred is None and (self.limit is None or charge.month <= self.limit)

    def refusal(self, charge: Charge) -> str:
        """Say which policy refuses so much, and who holds the money."""
        past, claim = self.ledger.as_of(self.entry), replace(self.claim, charge=charge)
        refusals = (past.refusal(policy, claim) for policy in self.policies)
        return next(refused.message for refused in refusals if refused is not None)


def _lines(policy: Policy) -> dict[Category | None, Line]:
    """Every line of a policy with nothing reserved: limits, and what was promised outside the operator."""
    limits: dict[Category | None, Total] = {cap.name: Total(cap.usd_per_month) for cap in policy.spec.categories}
    limits[None] = Total(policy.spec.usd_per_month)
    committed: dict[Category | None, Total] = {}
    for item in policy.spec.commitments:
        cost = Total(item.gpus * item.hours_per_month * item.usd_per_gpu_hour)
        for category in (None, item.category):
            committed[category] = committed.get(category, Total()) + cost
    return {
        category: Line(category=category, limit=limits.get(category), committed=committed.get(category, Total()))
        for category in (None, *Category)
    }
