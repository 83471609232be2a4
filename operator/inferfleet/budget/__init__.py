"""What work costs, who promised what, and what is left: the money of a fleet. Pure; it chooses nothing.

A `Ledger` holds what every owner was promised and sums it up under each policy. A `Statement` is that sum for one
policy: admission, status, metrics and the command line read the same one.
"""

from inferfleet.budget.claim import Claim, claim_of, holding_claim
from inferfleet.budget.ledger import Headroom, Ledger
from inferfleet.budget.policies import Rules, blocking, combine, enforced, matching
from inferfleet.budget.pricing import UnitCost, unit_cost
from inferfleet.budget.statement import Holder, Line, Statement
from inferfleet.budget.verdict import ABOUT_MONEY, admitted, not_admitted, nothing_reserved

__all__ = [
    "ABOUT_MONEY",
    "Claim",
    "Headroom",
    "Holder",
    "Ledger",
    "Line",
    "Rules",
    "Statement",
    "UnitCost",
    "admitted",
    "blocking",
    "claim_of",
    "combine",
    "enforced",
    "holding_claim",
    "matching",
    "not_admitted",
    "nothing_reserved",
    "unit_cost",
]
