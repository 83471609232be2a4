"""Word the money gate's answer as a condition: who reserves what, who warned, what growth is held."""

from decimal import Decimal

from inferfleet.api.reasons import ConditionReason, ReadyReason
from inferfleet.budget.ledger import Claim, Shortage, held_claim
from inferfleet.domain.decision import BudgetVerdict
from inferfleet.domain.demand import Holding
from inferfleet.domain.wording import usd_text
from inferfleet.domain.world import Policy
from inferfleet.plan.choice.allocation import Allocation

ABOUT_MONEY = (ReadyReason.OVER_BUDGET, ReadyReason.BUDGET_UNREADABLE)


def admitted(
    shortages: tuple[Shortage, ...], claim: Claim, policies: tuple[Policy, ...], allocation: Allocation
) -> BudgetVerdict:
    """The verdict on something that runs: reserved, warned about, without a policy, or with its growth held."""
    reservations = tuple((policy.name, claim.usd) for policy in policies)
    if allocation.short:
        message = f"{allocation.short} more replicas are wanted and held back: {allocation.short_message}"
        return BudgetVerdict(
            within=False, reason=ConditionReason.GROWTH_HELD, message=message, reservations=reservations
        )
    warnings = [shortage.message for shortage in shortages if not shortage.enforced]
    unit = "USD in total" if claim.batch else "USD per month"
    amount = f"{usd_text(claim.usd)} {unit}"
    if warnings:
        return BudgetVerdict(
            within=True, reason=ConditionReason.WARNED, message="; ".join(warnings), reservations=reservations
        )
    if not policies:
        return BudgetVerdict(
            within=True, reason=ConditionReason.NO_POLICY, message=f"{amount}; no BudgetPolicy matches the namespace"
        )
    names = ", ".join(policy.name for policy in policies)
    return BudgetVerdict(
        within=True,
        reason=ConditionReason.RESERVED,
        message=f"{amount} reserved from {names}",
        reservations=reservations,
    )


def refused(reason: ReadyReason, message: str, holding: Holding | None, policies: tuple[Policy, ...]) -> BudgetVerdict:
    """The verdict on something that is not served: a refusal only where money was the obstacle."""
    held = held_claim(holding).usd if holding else Decimal(0)
    reservations = tuple((policy.name, held) for policy in policies) if held else ()
    if reason in ABOUT_MONEY:
        return BudgetVerdict(within=False, reason=reason, message=message, reservations=reservations)
    return BudgetVerdict(
        within=True, reason=ConditionReason.NOT_DECIDED, message="nothing to pay for yet", reservations=reservations
    )
