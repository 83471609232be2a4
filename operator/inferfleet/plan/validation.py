"""What stops a demand before any pool is looked at: a spec that contradicts itself or the policies, an unknown model.

In: a world, a demand and the policies that match it. Out: a reason of `Ready` with its message, or None.
"""

from inferfleet.api.reasons import ReadyReason
from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.budget.policies import blocking
from inferfleet.domain.demand import Demand
from inferfleet.domain.model import Model
from inferfleet.domain.problem import Problem
from inferfleet.domain.world import Policy, World
from inferfleet.engine.arguments import check_extra_args
from inferfleet.engine.images import check_image
from inferfleet.engine.settings import DEFAULT_VERSION
from inferfleet.engine.support import kv_cache_problem, request_problem


def barrier(world: World, demand: Demand, policies: tuple[Policy, ...]) -> tuple[ReadyReason, str] | None:
    """Return what stops a demand before any pool is looked at: the reason and a message, None when nothing does."""
    if demand.invalid is not None:
        return ReadyReason.INVALID_SPEC, demand.invalid
    batch = demand.spec.batch
    if batch is not None and batch.requests is None and batch.deadline_seconds is None:
        return (
            ReadyReason.INVALID_SPEC,
            "spec.batch: give requests or deadlineSeconds; without both the cost has no bound",
        )
    if not isinstance(demand.model, Model):
        return ReadyReason.MODEL_UNKNOWN, demand.model.message
    problem = (
        _engine_problem(demand, policies)
        or _cache_problem(demand.spec)
        or _context_problem(demand.spec, demand.model)
        or request_problem(demand.spec, demand.model)
    )
    if problem is not None:
        return ReadyReason.INVALID_SPEC, str(problem)
    unreadable = blocking(world, demand.namespace_labels)
    if unreadable is not None:
        return (
            ReadyReason.BUDGET_UNREADABLE,
            f"BudgetPolicy {unreadable.name} cannot be understood: {unreadable.message}",
        )
    if world.budgets_required and not policies:
        return ReadyReason.OVER_BUDGET, f"no BudgetPolicy matches namespace {demand.namespace}, and one is required"
    return None


def _cache_problem(spec: InferenceDeploymentSpec) -> Problem | None:
    asked = spec.engine.kv_cache_dtype
    accepted = kv_cache_problem(asked, spec.engine.version or DEFAULT_VERSION)
    return None if accepted is None else Problem(field="spec.engine.kvCacheDtype", value=asked, message=accepted)


def _context_problem(spec: InferenceDeploymentSpec, model: Model) -> str | None:
    context, limit = spec.engine.max_model_len, model.max_position_embeddings
    if context is None or context <= limit:
        return None
    return f"spec.engine.maxModelLen: {context} is above the {limit} positions of {model.id}"


def _engine_problem(demand: Demand, policies: tuple[Policy, ...]) -> Problem | None:
    """What the policies do not let a tenant choose: an image, or arguments, that none of them allows."""
    engine, rules = demand.spec.engine, [policy.spec.engine for policy in policies]
    if engine.image is not None:
        prefixes = [prefix for rule in rules for prefix in rule.allowed_images]
        image = check_image(engine.image, prefixes, require_digest=any(rule.require_digest for rule in rules))
        if isinstance(image, Problem):
            return image
    arguments = [argument for rule in rules for argument in rule.allowed_args]
    checked = check_extra_args(engine.extra_args, engine.version or DEFAULT_VERSION, arguments)
    return checked if isinstance(checked, Problem) else None
