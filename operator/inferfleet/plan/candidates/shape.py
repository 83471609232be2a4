"""The shape of a demand: everything that decides its candidates before capacity and money are looked at.

Many deployments share a shape (same model, traffic, limits), so all that is computed for a shape is computed once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from inferfleet.api.enums import SpotPolicy, WorkloadClass
from inferfleet.api.v1alpha1 import InferenceDeploymentSpec
from inferfleet.budget import Rules
from inferfleet.domain.calibration import Calibration
from inferfleet.domain.demand import Demand
from inferfleet.domain.model import Model
from inferfleet.domain.traffic import Objectives, Traffic, objectives_of, traffic_of
from inferfleet.engine.calibration import Calibrations, relevant


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One shape; equal shapes get equal assessments of every pool.

    Of the namespace only the `dedicated_pools` that are open to it count, so teams that ask alike share a shape.
    """

    spec: InferenceDeploymentSpec
    model: Model
    rules: Rules
    dedicated_pools: frozenset[str] = frozenset()
    calibrations: Calibrations = ()

    def __hash__(self) -> int:
        """Hash once: a shape is looked up once per pool."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.spec, self.model, self.rules, self.dedicated_pools, self.calibrations))

    @property
    def real_time(self) -> bool:
        """Whether this is real-time work (else batch)."""
        return self.spec.workload.workload_class is WorkloadClass.REAL_TIME

    @property
    def spot_policy(self) -> SpotPolicy:
        """Whether spot is wanted: as asked; by default never for real-time work, allowed for batch."""
        return self.spec.spot_policy

    @cached_property
    def traffic(self) -> Traffic:
        """Mean request shape, of the traffic or of the batch."""
        return traffic_of(self.spec)

    @cached_property
    def objectives(self) -> Objectives:
        """Latency objectives; batch work has none."""
        return objectives_of(self.spec)


def shape_of(
    demand: Demand,
    rules: Rules,
    calibrations: Iterable[Calibration] = (),
    *,
    dedicated_pools: frozenset[str] = frozenset(),
) -> Shape:
    """Strip a demand of what does not shape its candidates: identity and the externally owned replica count.

    The demand's model must be known. `dedicated_pools` are those reserved for namespaces of which this is one.
    """
    assert isinstance(demand.model, Model)
    spec = demand.spec if demand.spec.replicas is None else demand.spec.model_copy(update={"replicas": None})
    return Shape(
        spec=spec,
        model=demand.model,
        rules=rules,
        dedicated_pools=dedicated_pools,
        calibrations=relevant(calibrations, demand.namespace, demand.model.id),
    )
