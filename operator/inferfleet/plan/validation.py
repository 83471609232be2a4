"""What stops a demand before any pool is looked at: a spec that contradicts itself or the policies, an unknown model.

In: a world and an attempt. Out: a refusal with a reason of `Ready`, or None.
"""

from inferfleet.api.reasons import ReadyReason
from inferfleet.budget import blocking
from inferfleet.domain.model import Model
from inferfleet.domain.problem import Problem
from inferfleet.domain.refused import Chain
from inferfleet.domain.world import World
from inferfleet.engine import DEFAULT_VERSION, check_extra_args, check_image, kv_cache_problem, request_problem
from inferfleet.plan.admission.admission import Attempt


def contradicting(_world: World, attempt: Attempt) -> str | None:
    """What reading the object found beyond its schema."""
    return attempt.demand.invalid


def unbounded(_world: World, attempt: Attempt) -> str | None:
    """A batch needs a size or a deadline."""
    batch = attempt.demand.spec.batch
    if batch is None or batch.requests is not None or batch.deadline_seconds is not None:
        return None
    return "spec.batch: give requests or deadlineSeconds; without both the cost has no bound"


def unknown_model(_world: World, attempt: Attempt) -> str | None:
    """Nothing can be planned for a model without facts."""
    model = attempt.demand.model
    return None if isinstance(model, Model) else model.message


def engine_not_allowed(_world: World, attempt: Attempt) -> str | None:
    """What the policies do not let a tenant choose: an image, or arguments, that none of them allows."""
    engine, rules = attempt.demand.spec.engine, [policy.spec.engine for policy in attempt.policies]
    if engine.image is not None:
        prefixes = [prefix for rule in rules for prefix in rule.allowed_images]
        image = check_image(engine.image, prefixes, require_digest=any(rule.require_digest for rule in rules))
        if isinstance(image, Problem):
            return str(image)
    arguments = [argument for rule in rules for argument in rule.allowed_args]
    checked = check_extra_args(engine.extra_args, engine.version or DEFAULT_VERSION, arguments)
    return str(checked) if isinstance(checked, Problem) else None


def unknown_cache_type(_world: World, attempt: Attempt) -> str | None:
    """spec.engine.kvCacheDtype."""
    engine = attempt.demand.spec.engine
    accepted = kv_cache_problem(engine.kv_cache_dtype, engine.version or DEFAULT_VERSION)
    if accepted is None:
        return None
    return str(Problem(field="spec.engine.kvCacheDtype", value=engine.kv_cache_dtype, message=accepted))


def context_too_long(_world: World, attempt: Attempt) -> str | None:
    """spec.engine.maxModelLen."""
    context, model = attempt.demand.spec.engine.max_model_len, attempt.demand.model
    assert isinstance(model, Model)
    limit = model.max_position_embeddings
    if context is None or context <= limit:
        return None
    return f"spec.engine.maxModelLen: {context} is above the {limit} positions of {model.id}"


def request_too_long(_world: World, attempt: Attempt) -> str | None:
    """A mean request must fit into the context."""
    model = attempt.demand.model
    assert isinstance(model, Model)
    return request_problem(attempt.demand.spec, model)


def budget_unreadable(world: World, attempt: Attempt) -> str | None:
    """A policy that nobody understands blocks every namespace that it could match."""
    unreadable = blocking(world, attempt.demand.namespace_labels)
    return None if unreadable is None else f"BudgetPolicy {unreadable.name} cannot be understood: {unreadable.message}"


def budget_missing(world: World, attempt: Attempt) -> str | None:
    """Where budgets are required, no policy is a refusal."""
    if attempt.policies or not world.budgets_required:
        return None
    return f"no BudgetPolicy matches namespace {attempt.demand.namespace}, and one is required"


def overdue(_world: World, attempt: Attempt) -> str | None:
    """A batch whose deadline has passed is not started; one that was started is ended by its Job."""
    deadline, now = attempt.demand.deadline, attempt.now
    started = attempt.holding is not None and bool(attempt.holding.placements)
    if deadline is None or now is None or now < deadline or started:
        return None
    assert attempt.demand.spec.batch is not None
    return (
        f"spec.batch.deadlineSeconds: {attempt.demand.spec.batch.deadline_seconds} s after creation was "
        f"{deadline:%Y-%m-%d %H:%M:%S} UTC, and nothing had been started by then; extend it to try again"
    )


VALIDATION = Chain(
    (ReadyReason.INVALID_SPEC, contradicting),
    (ReadyReason.INVALID_SPEC, unbounded),
    (ReadyReason.MODEL_UNKNOWN, unknown_model),
    (ReadyReason.INVALID_SPEC, engine_not_allowed),
    (ReadyReason.INVALID_SPEC, unknown_cache_type),
    (ReadyReason.INVALID_SPEC, context_too_long),
    (ReadyReason.INVALID_SPEC, request_too_long),
    (ReadyReason.BUDGET_UNREADABLE, budget_unreadable),
    (ReadyReason.OVER_BUDGET, budget_missing),
    (ReadyReason.DEADLINE_EXCEEDED, overdue),
)
"""Everything that is asked of a demand alone, in the order in which it is asked."""
