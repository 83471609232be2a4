"""The kind InferenceDeployment: one model, served or run over a batch.

In: YAML. Out: a frozen object. The parts of its spec have files of their own beside this one.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from inferfleet.api.enums import RebalancePolicy, SpotPolicy, WorkloadClass
from inferfleet.api.model import ApiModel, Rule
from inferfleet.api.scalars import Integer, Line, Word
from inferfleet.api.v1alpha1.batch import Batch
from inferfleet.api.v1alpha1.inference_deployment_status import InferenceDeploymentStatus
from inferfleet.api.v1alpha1.model_source import EngineSpec, ModelSpec
from inferfleet.api.v1alpha1.placement import Compliance, Placement
from inferfleet.api.v1alpha1.resource import Column, KindDefinition, Resource, Scale, ready_columns
from inferfleet.api.v1alpha1.workload import Objectives, Scaling, Traffic, Workload

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,43}[a-z0-9])?")

NAME_RULE = Rule(
    cel="self.metadata.name.matches('^[a-z]([-a-z0-9]{0,43}[a-z0-9])?$')",
    message="metadata.name must be a DNS-1035 label of at most 45 characters:"
    " lowercase letters, digits and '-', starting with a letter and not ending with '-'",
    holds=lambda resource: _NAME.fullmatch(resource.metadata.name) is not None,
)
"""Names of Services and Jobs derive from the name, and Services demand DNS-1035."""


class Alternative(ApiModel):
    """An API model that could do the same work; break-even compares with it."""

    provider: Word
    """The API provider."""
    model: Line
    """The provider's name of the model."""


class InferenceDeploymentSpec(ApiModel):
    """What is wanted."""

    rules = (
        Rule(
            cel="self.workload.class != 'RealTime' || has(self.traffic)",
            message="traffic is required when workload.class is RealTime",
            holds=lambda s: s.workload.workload_class != WorkloadClass.REAL_TIME or s.traffic is not None,
        ),
        Rule(
            cel="self.workload.class != 'Batch' || has(self.batch)",
            message="batch is required when workload.class is Batch",
            holds=lambda s: s.workload.workload_class != WorkloadClass.BATCH or s.batch is not None,
        ),
        Rule(
            cel="self.workload.class != 'RealTime' || !has(self.batch)",
            message="batch is not used when workload.class is RealTime",
            holds=lambda s: s.workload.workload_class != WorkloadClass.REAL_TIME or s.batch is None,
        ),
        Rule(
            cel="self.workload.class != 'Batch' || !has(self.traffic)",
            message="traffic is not used when workload.class is Batch",
            holds=lambda s: s.workload.workload_class != WorkloadClass.BATCH or s.traffic is None,
        ),
    )

    model: ModelSpec
    """The model."""
    workload: Workload
    """What kind of work this is and which budget line pays."""
    traffic: Traffic | None = None
    """The demand; required for RealTime."""
    objectives: Objectives = Objectives()
    """Latency to keep; for RealTime."""
    batch: Batch | None = None
    """The finite piece of work; required for Batch."""
    engine: EngineSpec = EngineSpec()
    """The inference engine."""
    placement: Placement = Placement()
    """Limits on where it may run."""
    replicas: Annotated[Integer, Field(ge=0, le=1000)] | None = None
    """Replica count set from outside (a person, HPA, KEDA); absent: the plan owns it; 0: suspended."""
    scaling: Scaling = Scaling()
    """Limits of the replica count."""
    compliance: Compliance = Compliance()
    """What pools must declare."""
    alternative: Alternative | None = None
    """An API model that break-even compares with."""

    @property
    def is_batch(self) -> bool:
        """Whether this is a finite piece of work, not one that serves until it is deleted."""
        return self.workload.workload_class is WorkloadClass.BATCH

    @property
    def spot_policy(self) -> SpotPolicy:
        """The spot policy in force: as written, else Never for RealTime and Allowed for Batch."""
        if self.placement.spot_policy is not None:
            return self.placement.spot_policy
        return SpotPolicy.ALLOWED if self.is_batch else SpotPolicy.NEVER

    @property
    def rebalance_policy(self) -> RebalancePolicy:
        """The rebalance policy in force: as written, else Never for RealTime and WhenCheaper for Batch."""
        if self.placement.rebalance.policy is not None:
            return self.placement.rebalance.policy
        return RebalancePolicy.WHEN_CHEAPER if self.is_batch else RebalancePolicy.NEVER


class InferenceDeployment(Resource):
    """A model served by vLLM on the cheapest GPUs that meet its demand within its budget, or run over a batch file."""

    rules = (NAME_RULE,)

    definition: ClassVar[KindDefinition] = KindDefinition(
        kind="InferenceDeployment",
        plural="inferencedeployments",
        short_name="infd",
        namespaced=True,
        columns=(
            Column(name="Model", json_path=".spec.model.id", priority=1, description="Hugging Face repository."),
            Column(name="Class", json_path=".spec.workload.class", priority=1, description="RealTime or Batch."),
            Column(name="GPU", json_path=".status.placement.gpuType", description="GPU type of the placement."),
            Column(
                name="GPUs/Replica",
                json_path=".status.placement.tensorParallelSize",
                type="integer",
                priority=1,
                description="GPUs per replica.",
            ),
            Column(name="Pool", json_path=".status.placement.pool", priority=1, description="GPUPool."),
            Column(
                name="Capacity", json_path=".status.placement.capacityType", priority=1, description="How it is sold."
            ),
            Column(name="Replicas", json_path=".status.replicas", type="integer", description="Existing pods."),
            Column(name="Ready Replicas", json_path=".status.readyReplicas", type="integer", description="Ready pods."),
            Column(name="USD/Month", json_path=".status.cost.usdPerMonth", description="Cost per month of 730 hours."),
            Column(name="USD/Hour", json_path=".status.cost.usdPerHour", priority=1, description="Cost per hour."),
            *ready_columns(),
        ),
        scale=Scale(
            spec_replicas_path=".spec.replicas",
            status_replicas_path=".status.replicas",
            label_selector_path=".status.selector",
        ),
    )

    kind: Literal["InferenceDeployment"] = "InferenceDeployment"
    """Kind of the object."""
    spec: InferenceDeploymentSpec
    """What is wanted."""
    status: InferenceDeploymentStatus = InferenceDeploymentStatus()
    """What is."""
