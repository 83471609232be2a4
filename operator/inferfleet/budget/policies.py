"""What the matching budget policies allow, combined: every matching policy applies.

In: the world and a namespace's labels. Out: one `Rules` value that is part of a demand's shape. Money itself is the
ledger's business.
"""

from dataclasses import dataclass

from inferfleet.api.enums import BatchFallback, Enforcement, RealTimeSpot
from inferfleet.api.v1alpha1 import selects
from inferfleet.domain.demand import Labels
from inferfleet.domain.world import Policy, UnreadablePolicy, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The permissions of one namespace.

    `gpu_types` is None when no policy restricts them; `restricting_policy` is the first that does.
    """

    gpu_types: frozenset[str] | None = None
    restricting_policy: str = ""
    real_time_spot: bool = False
    batch_fallback: bool = True


def matching(world: World, labels: Labels) -> tuple[Policy, ...]:
    """Return the readable policies that select the namespace, in the order of their names."""
    return tuple(policy for policy in world.policies if selects(policy.spec.namespace_selector, labels))


def blocking(world: World, labels: Labels) -> UnreadablePolicy | None:
    """Return an unreadable policy that could select the namespace, None when there is none."""
    for policy in world.unreadable_policies:
        if policy.selector is None or selects(policy.selector, labels):
            return policy
    return None


def combine(policies: tuple[Policy, ...]) -> Rules:
    """Intersect what the policies allow. Spot for real-time work needs one that allows it, and none that does not."""
    gpu_types: frozenset[str] | None = None
    restricting = ""
    for policy in policies:
        if policy.spec.allowed_gpu_types:
            allowed = frozenset(policy.spec.allowed_gpu_types)
            gpu_types = allowed if gpu_types is None else gpu_types & allowed
            restricting = restricting or policy.name
    return Rules(
        gpu_types=gpu_types,
        restricting_policy=restricting,
        real_time_spot=bool(policies)
        and all(policy.spec.spot.real_time is RealTimeSpot.ALLOWED for policy in policies),
        batch_fallback=all(policy.spec.spot.batch_fallback is BatchFallback.ON_DEMAND for policy in policies),
    )


def enforced(policy: Policy) -> bool:
    """Whether the policy refuses; else it only warns."""
    return policy.spec.enforcement is not Enforcement.WARN
