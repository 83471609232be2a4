"""The kind ModelProfile: architecture facts of a model, over the built-in catalogue.

In: YAML. Out: a frozen object. The field names of `config` are those of a Hugging Face config.json in camelCase, so
that one can be copied from the other.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from inferfleet.api.conditions import Conditions
from inferfleet.api.lists import list_map
from inferfleet.api.model import ApiModel, RebuildableStatus, Rule
from inferfleet.api.scalars import Flag, Fraction, Integer, ModelID, ObjectName, Rate, Word
from inferfleet.api.v1alpha1.resource import Column, KindDefinition, Resource, ready_columns

Width = Annotated[Integer, Field(ge=1, le=10_000_000)]
Layers = Annotated[Integer, Field(ge=1, le=10_000)]
Amount = Annotated[Integer, Field(ge=1, le=2**53 - 1)]


class ModelConfig(ApiModel):
    """The architecture, as in the model's config.json."""

    rules = (
        Rule(
            cel="self.numKeyValueHeads <= self.numAttentionHeads",
            message="numKeyValueHeads must not be larger than numAttentionHeads",
            holds=lambda c: c.num_key_value_heads <= c.num_attention_heads,
        ),
        Rule(
            cel="!has(self.numExperts) || (has(self.numExpertsPerTok) && has(self.moeIntermediateSize))",
            message="numExpertsPerTok and moeIntermediateSize are required when numExperts is set",
            holds=lambda c: (
                c.num_experts is None or (c.num_experts_per_tok is not None and c.moe_intermediate_size is not None)
            ),
        ),
    )

    hidden_size: Width
    """Width of the residual stream."""
    num_hidden_layers: Layers
    """Layers."""
    num_attention_heads: Width
    """Query heads per layer."""
    num_key_value_heads: Width
    """Key and value heads per layer."""
    head_dim: Width
    """Width of one head."""
    intermediate_size: Width
    """Width of the dense feed-forward part."""
    vocab_size: Width
    """Tokens in the vocabulary."""
    tie_word_embeddings: Flag = False
    """Whether input embedding and output head share their weights."""
    max_position_embeddings: Annotated[Integer, Field(ge=1, le=100_000_000)] | None = None
    """Longest context in tokens; absent: unknown."""
    mlp_matrices: Annotated[Integer, Field(ge=2, le=3)] = 3
    """Matrices of the feed-forward part: 3 when gated, 2 when not."""
    num_experts: Width | None = None
    """Experts per layer; absent for dense models."""
    num_experts_per_tok: Width | None = None
    """Experts that one token visits."""
    moe_intermediate_size: Width | None = None
    """Width of one expert."""
    n_shared_experts: Width | None = None
    """Experts that every token visits, in units of moeIntermediateSize."""
    shared_expert_intermediate_size: Width | None = None
    """Width of the shared expert where it differs."""
    first_k_dense_replace: Annotated[Integer, Field(ge=0, le=10_000)] = 0
    """Leading layers that are dense in a model of experts."""
    kv_lora_rank: Width | None = None
    """Rank of the compressed KV cache; present means multi-head latent attention."""
    q_lora_rank: Width | None = None
    """Rank of the compressed queries."""
    qk_rope_head_dim: Width | None = None
    """Rotary part of a head under latent attention."""
    qk_nope_head_dim: Width | None = None
    """Part of a head without rotation under latent attention."""
    v_head_dim: Width | None = None
    """Width of a value head under latent attention."""
    sliding_window: Width | None = None
    """Window in tokens of the layers that do not attend to everything."""
    num_sliding_layers: Annotated[Integer, Field(ge=0, le=10_000)] = 0
    """Layers with a sliding window."""
    full_attention_interval: Layers | None = None
    """Every how many layers attention is full; the others are linear."""
    linear_num_value_heads: Width | None = None
    """Value heads of linear layers."""
    linear_num_key_heads: Width | None = None
    """Key heads of linear layers."""
    linear_key_head_dim: Width | None = None
    """Width of a key head of linear layers."""
    linear_value_head_dim: Width | None = None
    """Width of a value head of linear layers."""
    global_head_dim: Width | None = None
    """Width of a head in layers with full attention where it differs."""
    num_global_key_value_heads: Width | None = None
    """Key and value heads in layers with full attention where they differ."""
    num_kv_shared_layers: Annotated[Integer, Field(ge=0, le=10_000)] = 0
    """Layers that reuse another layer's KV cache."""
    cross_attention_layers: Annotated[Integer, Field(ge=0, le=10_000)] = 0
    """Layers that attend to an encoder."""
    vision_parameters: Amount | None = None
    """Parameters of vision and audio towers; absent for text models."""


class PromotedCalibration(ApiModel):
    """Figures measured on an engine of this version, on this GPU type, at this tensor parallel size."""

    gpu_type: ObjectName
    """GPU type."""
    tensor_parallel_size: Annotated[Integer, Field(ge=1, le=1024)]
    """GPUs per replica."""
    engine_version: Annotated[str, StringConstraints(pattern=r"^[0-9][-.+0-9A-Za-z]*$", max_length=32)]
    """Version of the engine."""
    weights_gib: Rate | None = None
    """Weights per GPU in GiB, as the engine's log prints them."""
    activation_gib: Rate | None = None
    """Peak of activations per GPU in GiB."""
    non_torch_gib: Rate | None = None
    """Memory outside the framework's allocator per GPU in GiB."""
    cuda_graph_gib: Rate | None = None
    """Captured graphs per GPU in GiB."""
    speed_factor: Rate | None = None
    """Measured output tokens per second divided by the estimated ones."""


class ModelProfileSpec(ApiModel):
    """Facts of the model."""

    id: ModelID
    """Name of the model, as owner/name."""
    config: ModelConfig
    """The architecture."""
    parameters: Amount
    """Number of parameters, all experts included."""
    weight_bytes: Amount | None = None
    """Bytes of the checkpoint's weights; absent: computed from the architecture and the quantization."""
    quantization: Word | None = None
    """Quantization of the checkpoint in the engine's spelling; absent: none."""
    quality_score: Fraction | None = None
    """Quality from 0 to 1 on a scale of the platform team's choice, for routes."""
    calibrations: Annotated[
        tuple[PromotedCalibration, ...],
        Field(min_length=1, max_length=64),
        list_map("gpu_type", "tensor_parallel_size", "engine_version"),
    ] = ()
    """Measured figures, which go before estimates."""


class ModelProfileStatus(RebuildableStatus):
    """What was made of it."""

    observed_generation: Annotated[Integer, Field(ge=0, le=2**53 - 1)] | None = None
    """The generation that this status describes."""
    conditions: Conditions = ()
    """Ready."""


class ModelProfile(Resource):
    """Architecture facts of a model; overrides or extends the built-in catalogue under the same id."""

    definition: ClassVar[KindDefinition] = KindDefinition(
        kind="ModelProfile",
        plural="modelprofiles",
        short_name="mprof",
        namespaced=False,
        columns=(
            Column(name="Model", json_path=".spec.id", description="Name of the model."),
            Column(name="Parameters", json_path=".spec.parameters", type="integer", description="Parameters."),
            Column(name="Quantization", json_path=".spec.quantization", description="Of the checkpoint."),
            *ready_columns(),
        ),
    )

    kind: Literal["ModelProfile"] = "ModelProfile"
    """Kind of the object."""
    spec: ModelProfileSpec
    """Facts of the model."""
    status: ModelProfileStatus = ModelProfileStatus()
    """What was made of it."""
