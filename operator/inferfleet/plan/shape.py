"""The shape of a demand: everything that decides its candidates before stock and money are looked at.

Many deployments share a shape (same model, traffic, limits), so all that is computed for a shape is computed once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from inferfleet.api.enums import SpotPolicy, WorkloadClass
from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.domain.demand import Demand
from inferfleet.domain.lesson import Lesson
from inferfleet.domain.model import Model
from inferfleet.domain.speed import Objectives, Traffic
from inferfleet.plan.lessons import Lessons, relevant
from inferfleet.plan.rules import Rules

# Means assumed for a batch that does not say how long its requests are (api.md, spec.batch): confidence is then Low.
ASSUMED_BATCH_TRAFFIC = Traffic(input_tokens=1000, output_tokens=500)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One shape; equal shapes get equal assessments of every pool.

    Of the namespace only the `dedicated_pools` that are open to it count, so teams that ask alike share a shape.
    """

    spec: InferenceDeploymentSpec
    model: Model
    rules: Rules
    dedicated_pools: frozenset[str] = frozenset()
    lessons: Lessons = ()

    def __hash__(self) -> int:
        """Hash once: a shape is looked up once per pool."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.spec, self.model, self.rules, self.dedicated_pools, self.lessons))

    @property
    def real_time(self) -> bool:
        """Whether this is real-time work (else batch)."""
        return self.spec.workload.workload_class is WorkloadClass.REAL_TIME

    @property
    def spot_policy(self) -> SpotPolicy:
        """Whether spot is wanted: as asked; by default never for real-time work, allowed for batch."""
        return self.spec.spot_policy

    @property
    def traffic(self) -> Traffic:
        """Mean request shape, of the traffic or of the batch."""
        if self.spec.traffic is not None:
            return Traffic(input_tokens=self.spec.traffic.input_tokens, output_tokens=self.spec.traffic.output_tokens)
        batch = self.spec.batch
        if batch is None:
            return ASSUMED_BATCH_TRAFFIC
        return Traffic(
            input_tokens=batch.input_tokens or ASSUMED_BATCH_TRAFFIC.input_tokens,
            output_tokens=ASSUMED_BATCH_TRAFFIC.output_tokens if batch.output_tokens is None else batch.output_tokens,
        )

    @property
    def objectives(self) -> Objectives:
        """Latency objectives; batch work has none."""
        if not self.real_time:
            return Objectives(time_per_output_token_ms=None, time_to_first_token_ms=None)
        asked = self.spec.objectives
        first_token = asked.time_to_first_token_milliseconds
        return Objectives(
            time_per_output_token_ms=float(asked.time_per_output_token_milliseconds),
            time_to_first_token_ms=None if first_token is None else float(first_token),
        )


def shape_of(
    demand: Demand, rules: Rules, lessons: Iterable[Lesson] = (), *, dedicated_pools: frozenset[str] = frozenset()
) -> Shape:
    """Strip a demand of what does not shape its candidates: identity and the externally owned replica count.

    The demand's model must be known. `dedicated_pools` are those reserved for namespaces of which this is one.
    """
    assert isinstance(demand.model, Model)
    spec = demand.spec.model_copy(update={"replicas": None})
    return Shape(
        spec=spec,
        model=demand.model,
        rules=rules,
        dedicated_pools=dedicated_pools,
        lessons=relevant(lessons, demand.namespace, demand.model.id),
    )
