"""Turn a choice into the decision that is carried out: names, prices, roles, claims.

In: what was chosen, what stood before, the money gate's answer. Out: a `Decision`. Names stay with what runs; what is
new gets a name that nothing of this deployment has, unless it takes over the pods of what it replaces.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from inferfleet.api.reasons import ConditionReason, ReadyReason
from inferfleet.budget.verdict import refused
from inferfleet.domain.decision import BudgetVerdict, Decision
from inferfleet.domain.demand import Demand, Holding
from inferfleet.domain.gpu import Price
from inferfleet.domain.history import History
from inferfleet.domain.model import Model
from inferfleet.domain.naming import child_name
from inferfleet.domain.placement import Candidate, Placement
from inferfleet.domain.world import Policy
from inferfleet.plan.candidates.quote import Option
from inferfleet.plan.choice.allocation import Allocation

ENDED = "the batch has ended; nothing is reserved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that this deployment has already: `taken` by something that stays.

    `heirs` have pods that a new part takes over, first come first served; `spare` ones are given up and used again
    only when there is no other, because what is left of their pods would be mistaken for the new ones.
    """

    taken: tuple[str, ...] = ()
    heirs: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()


def placements(demand: Demand, allocation: Allocation, names: Names) -> tuple[Placement, ...]:
    """Return the parts as placements, the largest first. They must be `nameable`."""
    found = _named(demand, allocation, names)
    return tuple(_placement(part, name or demand.name) for part, name in zip(allocation.parts, found, strict=True))


def nameable(demand: Demand, allocation: Allocation, names: Names) -> bool:
    """Tell whether every part gets a name of its own beside those that stay."""
    return None not in _named(demand, allocation, names)


def _named(demand: Demand, allocation: Allocation, names: Names) -> tuple[str | None, ...]:
    """Name each part: what runs keeps its name, what is new gets the deployment's own or one with a hash."""
    used = {*names.taken, *(part.held.name for part in allocation.parts if part.held)}
    heirs, given = list(names.heirs), []
    for part in allocation.parts:
        fresh = (name for name in _own_names(demand, part) if name not in names.spare)
        offered = (part.held.name,) if part.held else chain(heirs, fresh, names.spare)
        name = next((name for name in offered if part.held or name not in used), None)
        used |= {name} if name else set()
        given.append(name)
    return tuple(given)


def _own_names(demand: Demand, option: Option) -> Iterator[str]:
    """The deployment's own name, and the one with the candidate's hash, which is worked out only when it is needed."""
    item = option.assessment
    return (
        child_name(demand.name, gpu_type=item.gpu_type, pool=item.pool, capacity_type=item.capacity_type, first=first)
        for first in (True, False)
    )


def _placement(option: Option, name: str) -> Placement:
    assessment, held, price = option.assessment, option.held, option.price
    assert assessment.engine is not None
    if price is None:  # a running placement whose price was taken away is charged what it was charged before
        assert held is not None
        price = Price(
            capacity_type=held.capacity_type,
            usd_per_gpu_hour=held.usd_per_gpu_hour,
            source=held.price_source,
            date=held.price_date,
        )
    return Placement(
        name=name,
        pool=assessment.pool,
        gpu_type=assessment.gpu_type,
        capacity_type=assessment.capacity_type,
        tensor_parallel_size=assessment.tensor_parallel_size,
        replicas=option.replicas,
        engine=assessment.engine,
        usd_per_gpu_hour=price.usd_per_gpu_hour,
        price_source=price.source,
        price_date=price.date,
    )


def finished(demand: Demand, holding: Holding) -> Decision:
    """A batch whose Job has ended stays as it ended: it is not placed again and holds nothing any more."""
    return Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=holding.placements,
        candidates=(),
        blocked=None,
        message=ENDED,
        budget=BudgetVerdict(within=True, reason=ConditionReason.RESERVED, message=ENDED),
        ended=True,
        history=holding.history,
    )


def ended_before(demand: Demand, holding: Holding) -> Decision:
    """A batch that had ended when its spec was changed: what was asked for anew was not done, and nothing says it was.

    It is not run again by an edit either: an edit of a label in a manifest must not cost a night of GPUs.
    """
    message = "spec: the batch ended before this change, which is not run; create another InferenceDeployment for it"
    return replace(finished(demand, holding), blocked=ReadyReason.INVALID_SPEC, message=message)


def suspended(demand: Demand, policies: tuple[Policy, ...]) -> Decision:
    """Return the decision to run nothing, as asked."""
    return Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=(),
        candidates=(),
        blocked=None,
        message="spec.replicas is 0: nothing runs and nothing is reserved; set it, or remove it to let the plan count",
        budget=BudgetVerdict(within=True, reason="Reserved" if policies else "NoPolicy", message="nothing is reserved"),
        suspended=True,
    )


def unserved(
    demand: Demand,
    holding: Holding | None,
    why: tuple[ReadyReason, str],
    candidates: Sequence[Candidate],
    policies: tuple[Policy, ...],
    *,
    history: History,
) -> Decision:
    """Nothing new starts; what was admitted before keeps running and keeps its reservation."""
    reason, message = why
    return Decision(
        uid=demand.uid,
        namespace=demand.namespace,
        name=demand.name,
        placements=holding.placements if holding else (),
        candidates=candidates,
        blocked=reason,
        message=message,
        budget=refused(reason, message, holding, policies),
        pending=not isinstance(demand.model, Model) and demand.model.pending,
        history=history,
    )
