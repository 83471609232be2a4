"""What is said of money in a condition: who reserves what, who warned, what growth is held back, who refused.

In: a claim, the policies that match, and their warnings. Out: a `BudgetVerdict`. Decides nothing.
"""

from collections.abc import Iterable

from inferfleet.api.reasons import ConditionReason, ReadyReason
from inferfleet.budget.claim import Claim
from inferfleet.domain.decision import BudgetVerdict
from inferfleet.domain.money import NOTHING, Charge
from inferfleet.domain.refused import Refused
from inferfleet.domain.world import Policy

ABOUT_MONEY = frozenset({ReadyReason.OVER_BUDGET, ReadyReason.BUDGET_UNREADABLE})
"""The reasons of Ready for which a budget, or the lack of one, is to blame."""


def admitted(
    claim: Claim, policies: Iterable[Policy], warnings: Iterable[str] = (), held_back: str = ""
) -> BudgetVerdict:
    """The verdict on something that runs; `held_back` says what growth was not granted (empty: all was)."""
    names = tuple(policy.name for policy in policies)
    warned = "; ".join(warnings)
    within, reason, message = True, ConditionReason.RESERVED, f"{claim.text} reserved from {', '.join(names)}"
    if held_back:
        within, reason, message = False, ConditionReason.GROWTH_HELD, held_back
    elif warned:
        reason, message = ConditionReason.WARNED, warned
    elif not names:
        reason, message = ConditionReason.NO_POLICY, f"{claim.text}; no BudgetPolicy matches the namespace"
    return BudgetVerdict(within=within, reason=reason, message=message, policies=names, reserved=claim.charge)


def not_admitted(why: Refused[ReadyReason], still: Charge, policies: Iterable[Policy]) -> BudgetVerdict:
    """The verdict on something that is not served: a refusal only where money was the obstacle.

    `still` is what it holds of what was admitted before.
    """
    names = tuple(policy.name for policy in policies) if still else ()
    if why.reason in ABOUT_MONEY:
        return BudgetVerdict(within=False, reason=why.reason, message=why.message, policies=names, reserved=still)
    message = "nothing to pay for yet"
    return BudgetVerdict(
        within=True, reason=ConditionReason.NOT_DECIDED, message=message, policies=names, reserved=still
    )


def nothing_reserved(message: str, policies: Iterable[Policy], *, ended: bool = False) -> BudgetVerdict:
    """The verdict on something that shall not run, or has run (`ended`)."""
    reason = ConditionReason.RESERVED if ended or tuple(policies) else ConditionReason.NO_POLICY
    return BudgetVerdict(within=True, reason=reason, message=message, reserved=NOTHING)
