"""The conditions of an InferenceDeployment; `Ready` carries the deepest reason.

In: an `Observation`. Out: conditions without times; the status puts those in. Pure. Must not repeat the decision's
arithmetic: messages with numbers come from where the numbers were computed.
"""

from inferfleet.api.conditions import Condition
from inferfleet.api.enums import ConditionStatus
from inferfleet.api.reasons import READY_TRUE, ConditionReason, ConditionType, ReadyReason
from inferfleet.budget import ABOUT_MONEY
from inferfleet.domain.observed import Child
from inferfleet.domain.placement import draining
from inferfleet.report.observation import Observation
from inferfleet.report.pod_trouble import Trouble, pod_trouble, refused_pods, stuck_pods
from inferfleet.report.prices import stale_prices

_LONGEST_MESSAGE = 2000
_NOT_ACCEPTED = (ReadyReason.INVALID_SPEC, ReadyReason.MODEL_UNKNOWN)
# Reasons after which nothing changes until a person acts; NoCapacity and pods that wait may resolve by themselves.
_STALLED = frozenset(
    {
        ReadyReason.INVALID_SPEC,
        ReadyReason.NAME_CONFLICT,
        ReadyReason.MODEL_UNKNOWN,
        ReadyReason.NO_MATCHING_POOL,
        ReadyReason.MODEL_DOES_NOT_FIT,
        ReadyReason.OBJECTIVES_NOT_MET,
        ReadyReason.NO_PRICE,
        ReadyReason.OVER_BUDGET,
        ReadyReason.BUDGET_UNREADABLE,
        ReadyReason.IMAGE_PULL_FAILED,
        ReadyReason.FAILED,
        ReadyReason.DEADLINE_EXCEEDED,
    }
)

_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


def conditions(seen: Observation) -> tuple[Condition, ...]:
    """Return the conditions in the order of the pipeline, `Ready` last; `Stalled` only when a person must act."""
    available = _available(seen)
    ready = _ready(seen, available)
    found = [_accepted(seen), _planned(seen), _within_budget(seen), _applied(seen), available, *_notices(seen), ready]
    if ready.status is _FALSE and _needs_a_person(seen, ready.reason):
        found.append(_condition(seen, ConditionType.STALLED, _TRUE, ready.reason, ready.message))
    return tuple(found)


def _notices(seen: Observation) -> tuple[Condition, ...]:
    """Return the conditions that are there only at times; none of them keeps anything from being ready."""
    decision, found = seen.decision, []
    if decision.cheaper:
        kind, reason = ConditionType.CHEAPER_PLACEMENT, ConditionReason.REBALANCE_NEVER
        found.append(_condition(seen, kind, _TRUE, reason, decision.cheaper))
    first_token = _first_token(seen)
    if first_token is not None:
        found.append(first_token)
    stale = stale_prices(decision.placements, seen.now, seen.price_max_age)
    if stale:
        found.append(_condition(seen, ConditionType.PRICE_FRESH, _FALSE, ConditionReason.PRICE_STALE, stale))
    return tuple(found)


def _first_token(seen: Observation) -> Condition | None:
    """Return whether the objective for the time to first token is met; Unknown until an engine has served traffic."""
    objective = seen.spec.objectives.time_to_first_token_milliseconds if seen.spec else None
    if objective is None or not seen.decision.placements:
        return None
    measured = seen.calibrated.measured if seen.calibrated else None
    took = measured.first_token_ms if measured is not None else None
    kind = ConditionType.TIME_TO_FIRST_TOKEN
    if took is None:
        message = f"the objective is {objective} ms; the plan keeps prefill within half of it; not measured yet"
        return _condition(seen, kind, _UNKNOWN, ConditionReason.NOT_VERIFIED, message)
    message = f"{took:.0f} ms on average, as the engines count it; the objective is {objective} ms"
    return _condition(seen, kind, _TRUE if took <= objective else _FALSE, ConditionReason.MEASURED, message)


def _needs_a_person(seen: Observation, reason: str) -> bool:
    """Whether nothing changes until a person acts. Out of memory is planned anew until nothing is left to try."""
    exhausted = seen.decision.blocked is ReadyReason.ENGINE_OUT_OF_MEMORY
    return (reason in _STALLED or exhausted) and not seen.decision.pending


def least_replicas(seen: Observation) -> int:
    """Return how many replicas must be ready to count as available: the minimum, and at least one."""
    return max(1, seen.spec.scaling.min_replicas) if seen.spec else 1


def is_batch(seen: Observation) -> bool:
    """Return whether this is a batch; where the spec cannot be read, by what runs."""
    if seen.spec is not None:
        return seen.spec.is_batch
    return any(child.kind == "Job" for child in seen.workloads)


def _accepted(seen: Observation) -> Condition:
    blocked = seen.decision.blocked
    if blocked in _NOT_ACCEPTED:
        return _condition(seen, ConditionType.ACCEPTED, _FALSE, blocked, seen.decision.message)
    return _condition(seen, ConditionType.ACCEPTED, _TRUE, ConditionReason.VALID, "the spec is understood")


def _planned(seen: Observation) -> Condition:
    decision = seen.decision
    if decision.blocked in (*_NOT_ACCEPTED, ReadyReason.BUDGET_UNREADABLE):
        return _condition(seen, ConditionType.PLANNED, _UNKNOWN, ConditionReason.NOT_DECIDED, "nothing is decided yet")
    if decision.blocked is not None:
        return _condition(seen, ConditionType.PLANNED, _FALSE, decision.blocked, decision.message)
    if decision.suspended:
        return _condition(seen, ConditionType.PLANNED, _TRUE, ReadyReason.SUSPENDED, decision.message)
    if decision.replicas_clamped:
        message = f"{decision.replicas_clamped}; {decision.message}"
        return _condition(seen, ConditionType.PLANNED, _TRUE, ConditionReason.REPLICAS_CLAMPED, message)
    reason = ConditionReason.MOVING if decision.moving else ConditionReason.DECIDED
    return _condition(seen, ConditionType.PLANNED, _TRUE, reason, decision.message)


def _within_budget(seen: Observation) -> Condition:
    verdict, blocked = seen.decision.budget, seen.decision.blocked
    if blocked is not None and blocked not in ABOUT_MONEY:
        return _condition(
            seen, ConditionType.WITHIN_BUDGET, _UNKNOWN, ConditionReason.NOT_DECIDED, "nothing is decided yet"
        )
    status = _TRUE if verdict.within else _FALSE
    return _condition(seen, ConditionType.WITHIN_BUDGET, status, verdict.reason, verdict.message)


def _applied(seen: Observation) -> Condition:
    application = seen.application
    return _condition(seen, ConditionType.APPLIED, application.status, application.reason, application.message)


def _available(seen: Observation) -> Condition:
    if is_batch(seen):
        return _batch_available(seen)
    ready, least = sum(child.ready_replicas for child in seen.workloads), least_replicas(seen)
    if ready >= least:
        reason, status = ConditionReason.MINIMUM_REPLICAS_READY, _TRUE
    else:
        reason, status = ConditionReason.MINIMUM_REPLICAS_NOT_READY, _FALSE
    message = f"{ready} of at least {least} replicas ready"
    return _condition(seen, ConditionType.AVAILABLE, status, reason, message)


def _batch_available(seen: Observation) -> Condition:
    ready = sum(pod.ready for pod in seen.pods)
    done = any(_is_true(child, "Complete") for child in seen.workloads)
    if ready or done:
        message = "the batch is done" if done else "the batch is running"
        return _condition(seen, ConditionType.AVAILABLE, _TRUE, ConditionReason.MINIMUM_REPLICAS_READY, message)
    reason = ConditionReason.MINIMUM_REPLICAS_NOT_READY
    return _condition(seen, ConditionType.AVAILABLE, _FALSE, reason, "no pod of the batch is ready")


def _ready(seen: Observation, available: Condition) -> Condition:
    reason, message = _ready_reason(seen, available)
    status = _TRUE if reason in READY_TRUE else _FALSE
    return _condition(seen, ConditionType.READY, status, reason, message)


def _ready_reason(seen: Observation, available: Condition) -> tuple[ReadyReason, str]:
    """Return the first obstacle on the way from spec to service."""
    decision, application = seen.decision, seen.application
    if decision.blocked is not None:
        return decision.blocked, decision.message
    if decision.suspended:
        return ReadyReason.SUSPENDED, decision.message
    if application.ready_reason is not None:
        return application.ready_reason, application.message
    if is_batch(seen):
        return _batch_reason(seen)
    if available.status is _TRUE and _rolled_out(seen):
        return ReadyReason.SERVING, available.message
    trouble = _trouble(seen)
    if trouble is not None:
        return trouble.reason, trouble.message
    return ReadyReason.PROGRESSING, _progress(seen, available)


def _batch_reason(seen: Observation) -> tuple[ReadyReason, str]:
    for child in seen.workloads:
        if _is_true(child, "Complete"):
            return ReadyReason.COMPLETED, "the batch is done"
        failed = child.condition("Failed")
        if failed is not None and failed.status == "True":
            late = failed.reason == "DeadlineExceeded"
            reason = ReadyReason.DEADLINE_EXCEEDED if late else ReadyReason.FAILED
            trouble = _trouble(seen)
            return reason, failed.message + (f"; {trouble.message}" if trouble else "")
    trouble = _trouble(seen)
    if trouble is not None:
        return trouble.reason, trouble.message
    running = any(pod.ready for pod in seen.pods)
    return ReadyReason.PROGRESSING, "the batch is running" if running else "the batch starts"


def _rolled_out(seen: Observation) -> bool:
    """Whether only pods of the newest template serve, and applying it did not fail.

    During a move the draining placements count: their successors need not be there yet. A workload that its controller
    has not seen has no pods, so one that joins others takes nothing away.
    """
    placements = seen.decision.placements
    wanted = {item.name for item in draining(placements) or placements}
    workloads = [child for child in seen.workloads if child.name in wanted]
    running = [child for child in workloads if child.observed_generation]
    return (
        len(workloads) == len(wanted)
        and seen.application.status is not _FALSE
        and bool(running)
        and not any(child.rolling_out for child in running)
    )


def _trouble(seen: Observation) -> Trouble | None:
    found = (
        pod_trouble(seen.pods, may_grow=seen.may_grow, now=seen.now)
        or refused_pods(seen.workloads, seen.now)
        or stuck_pods(seen.workloads, seen.pods)
    )
    message = seen.calibrated.out_of_memory if seen.calibrated else ""
    about_engine = found is None or found.reason in (ReadyReason.ENGINE_OUT_OF_MEMORY, ReadyReason.PODS_FAILING)
    if not (message and about_engine):
        return found
    tries = (f"{item.engine.max_model_len} tokens on {item.gpu_type}" for item in seen.decision.placements)
    return Trouble(reason=ReadyReason.ENGINE_OUT_OF_MEMORY, message=f"{message}; planned now: {', '.join(tries)}")


def _progress(seen: Observation, available: Condition) -> str:
    if seen.application.status is _FALSE:
        return seen.application.message
    if seen.application.status is _UNKNOWN:
        return "reserved; the pods are started next"
    if available.status is _TRUE:
        return "the newest spec is being rolled out"
    return "pods are starting"


def _is_true(child: Child, kind: str) -> bool:
    condition = child.condition(kind)
    return condition is not None and condition.status == "True"


def _condition(seen: Observation, kind: ConditionType, status: ConditionStatus, reason: str, message: str) -> Condition:
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message[:_LONGEST_MESSAGE],
        observed_generation=seen.generation,
    )
