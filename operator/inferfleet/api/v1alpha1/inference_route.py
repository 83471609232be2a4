"""The kind InferenceRoute: one OpenAI-compatible endpoint over self-hosted and API providers.

In: YAML. Out: a frozen object. Secrets are referenced, never read.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from inferfleet.api.conditions import Conditions
from inferfleet.api.enums import RouteStrategy, SelfHostedPrice
from inferfleet.api.lists import list_map
from inferfleet.api.model import ApiModel, RebuildableStatus, Rule, StatusModel
from inferfleet.api.scalars import EntryName, Figure, Flag, Fraction, Integer, Line, Message, Money
from inferfleet.api.v1alpha1.batch import Url
from inferfleet.api.v1alpha1.inference_deployment import NAME_RULE
from inferfleet.api.v1alpha1.metadata import ObjectReference, SecretKeyReference
from inferfleet.api.v1alpha1.resource import Column, KindDefinition, Resource, ready_columns


class Provider(ApiModel):
    """A model behind an API."""

    model: Line
    """Provider and model as LiteLLM names them, such as openai/gpt-4o-mini."""
    api_key_secret_ref: SecretKeyReference
    """The provider's API key."""
    api_base: Url | None = None
    """Address of the API; absent: the provider's own."""


class Limits(ApiModel):
    """What a backend may be given; always respected."""

    requests_per_minute: Annotated[Integer, Field(ge=1, le=100_000_000)] | None = None
    """Most requests per minute."""
    tokens_per_minute: Annotated[Integer, Field(ge=1, le=10**12)] | None = None
    """Most tokens per minute."""
    max_parallel_requests: Annotated[Integer, Field(ge=1, le=1_000_000)] | None = None
    """Most requests at the same time."""


class Backend(ApiModel):
    """One place that answers: an InferenceDeployment or a provider."""

    rules = (
        Rule(
            cel="has(self.deploymentRef) != has(self.provider)",
            message="exactly one of deploymentRef and provider is required",
            holds=lambda b: (b.deployment_ref is None) != (b.provider is None),
        ),
    )

    name: EntryName
    """Name of the backend."""
    deployment_ref: ObjectReference | None = None
    """An InferenceDeployment in the same namespace."""
    provider: Provider | None = None
    """A model behind an API."""
    weight: Annotated[Integer, Field(ge=0, le=1_000_000)] = 1
    """Share of the traffic relative to the others, for Weighted; 0: none."""
    priority: Annotated[Integer, Field(ge=1, le=1000)] = 1
    """Order for Failover; 1 is first."""
    quality_score: Fraction | None = None
    """Quality from 0 to 1, for Quality."""
    limits: Limits = Limits()
    """What the backend may be given."""


class RouteBudget(ApiModel):
    """What the route may spend on APIs; its own line in the ledger."""

    usd_per_month: Money
    """Most USD per month."""


class InferenceRouteSpec(ApiModel):
    """What is wanted."""

    rules = (
        Rule(
            cel="self.replicas <= 1 || has(self.redisSecretRef)",
            message="redisSecretRef is required when replicas is larger than 1:"
            " limits and cool-downs are shared through Redis only",
            holds=lambda r: r.replicas <= 1 or r.redis_secret_ref is not None,
        ),
    )

    model_name: Annotated[str, StringConstraints(pattern=r"^[\w.:/-]+$", min_length=1, max_length=200)]
    """Model name that clients send."""
    strategy: RouteStrategy = RouteStrategy.WEIGHTED
    """How a backend is picked."""
    self_hosted_price: SelfHostedPrice = SelfHostedPrice.MARGINAL
    """At which price self-hosted backends are compared, for Cost."""
    replicas: Annotated[Integer, Field(ge=0, le=100)] = 1
    """Replicas of the gateway."""
    redis_secret_ref: SecretKeyReference | None = None
    """URL of the Redis that several replicas share."""
    backends: Annotated[tuple[Backend, ...], Field(min_length=1, max_length=32), list_map("name")]
    """The places that answer."""
    budget: RouteBudget | None = None
    """What the route may spend on APIs; absent: bounded by the BudgetPolicy only."""


class BackendStatus(StatusModel):
    """What is known of a backend."""

    name: EntryName
    """Name of the backend."""
    ready: Flag
    """Whether it can answer."""
    reason: Annotated[str, StringConstraints(max_length=128)] = ""
    """Why, in one word."""
    message: Message = ""
    """Why, in a sentence."""
    usd_per_million_tokens: Figure | None = None
    """Its price at which it is compared."""


class InferenceRouteStatus(RebuildableStatus):
    """What is."""

    observed_generation: Annotated[Integer, Field(ge=0, le=2**53 - 1)] | None = None
    """The generation that this status describes."""
    endpoint: Annotated[str, StringConstraints(max_length=512)] | None = None
    """Address of the endpoint inside the cluster."""
    backends: Annotated[tuple[BackendStatus, ...], Field(max_length=32), list_map("name")] = ()
    """What is known of the backends."""
    conditions: Conditions = ()
    """Ready."""


class InferenceRoute(Resource):
    """One OpenAI-compatible endpoint over self-hosted and API providers."""

    rules = (NAME_RULE,)

    definition: ClassVar[KindDefinition] = KindDefinition(
        kind="InferenceRoute",
        plural="inferenceroutes",
        short_name="iroute",
        namespaced=True,
        columns=(
            Column(name="Model", json_path=".spec.modelName", description="Model name that clients send."),
            Column(name="Strategy", json_path=".spec.strategy", description="How a backend is picked."),
            Column(name="Endpoint", json_path=".status.endpoint", priority=1, description="Address."),
            *ready_columns(),
        ),
    )

    kind: Literal["InferenceRoute"] = "InferenceRoute"
    """Kind of the object."""
    spec: InferenceRouteSpec
    """What is wanted."""
    status: InferenceRouteStatus = InferenceRouteStatus()
    """What is."""
