"""`spec.model` and `spec.engine` of an InferenceDeployment: what is served, and by what.

In: YAML. Out: frozen values. Defaults that depend on anything else (the checkpoint, the engine version, the class) are
absent here and belong to the plan.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from inferfleet.api.enums import EngineName, ModelSource
from inferfleet.api.lists import ATOMIC
from inferfleet.api.model import ApiModel, Rule
from inferfleet.api.scalars import Integer, Line, ModelID, ObjectName, PositiveFraction, Word
from inferfleet.api.v1alpha1.metadata import ObjectReference, SecretKeyReference

RelativePath = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]+$", min_length=1, max_length=512)]

Revision = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_]*([./][-A-Za-z0-9_]+)*$", max_length=128)
]

PATH_RULE_CEL = (
    "!self.path.startsWith('/') && !self.path.contains('//')"
    " && self.path.split('/').all(part, part != '..' && part != '.')"
)
PATH_RULE_MESSAGE = "path must be relative, without '.', '..' and '//'"
"""A path inside a volume: not absolute, and nothing that climbs out of the volume or writes one place in two ways."""


def is_relative_path(path: str) -> bool:
    """Return whether a path stays inside its volume; the Python side of `PATH_RULE_CEL`."""
    return not path.startswith("/") and "//" not in path and not {"..", "."} & set(path.split("/"))


class ClaimReference(ApiModel):
    """A PersistentVolumeClaim in the same namespace."""

    claim_name: ObjectName
    """Name of the claim."""


class ModelCache(ApiModel):
    """Where downloaded weights are kept between pods."""

    persistent_volume_claim: ClaimReference
    """The volume that holds the weights; shared by the replicas, so it must allow all of them."""


class ModelSpec(ApiModel):
    """The model, and where its weights come from."""

    rules = (
        Rule(
            cel="has(self.id) != has(self.profileRef)",
            message="exactly one of id and profileRef is required",
            holds=lambda m: (m.id is None) != (m.profile_ref is None),
        ),
        Rule(
            cel="self.source != 'PersistentVolumeClaim' || has(self.claimName)",
            message="claimName is required when source is PersistentVolumeClaim",
            holds=lambda m: m.source != ModelSource.PERSISTENT_VOLUME_CLAIM or m.claim_name is not None,
        ),
        Rule(
            cel="self.source == 'PersistentVolumeClaim' || (!has(self.claimName) && !has(self.path))",
            message="claimName and path need source PersistentVolumeClaim",
            holds=lambda m: (
                m.source == ModelSource.PERSISTENT_VOLUME_CLAIM or (m.claim_name is None and m.path is None)
            ),
        ),
        Rule(
            cel=f"!has(self.path) || ({PATH_RULE_CEL})",
            message=PATH_RULE_MESSAGE,
            holds=lambda m: m.path is None or is_relative_path(m.path),
        ),
    )

    id: ModelID | None = None
    """Hugging Face repository of the model, as owner/name."""
    profile_ref: ObjectReference | None = None
    """A ModelProfile that describes the model instead of id."""
    revision: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_]*([./][-A-Za-z0-9_]+)*$", max_length=128)
    ] = "main"
    """Branch, tag or commit of the repository."""
    quantization: Word | None = None
    """Quantization of the weights in the engine's spelling; absent: what the checkpoint says."""
    source: ModelSource = ModelSource.HUGGING_FACE
    """Where the engine loads the weights from."""
    claim_name: ObjectName | None = None
    """The PersistentVolumeClaim that holds the weights, for clusters without access to Hugging Face."""
    path: RelativePath | None = None
    """Folder of the weights inside the claim; absent: its root."""
    token_secret_ref: SecretKeyReference | None = None
    """Hugging Face token; mounted into the engine only."""
    cache: ModelCache | None = None
    """Where downloaded weights are kept; absent: an emptyDir per pod."""


class EngineSpec(ApiModel):
    """The inference engine and the settings that the plan must know."""

    rules = (
        Rule(
            cel="!has(self.image) || has(self.version)",
            message="version is required when image is set: it is never read from a tag",
            holds=lambda e: e.image is None or e.version is not None,
        ),
        Rule(
            cel="!has(self.minModelLen) || !has(self.maxModelLen) || self.minModelLen <= self.maxModelLen",
            message="minModelLen must not be larger than maxModelLen",
            holds=lambda e: e.min_model_len is None or e.max_model_len is None or e.min_model_len <= e.max_model_len,
        ),
        Rule(
            cel="!has(self.maxNumSeqs) || !has(self.maxNumBatchedTokens)"
            " || self.maxNumSeqs <= self.maxNumBatchedTokens",
            message="maxNumBatchedTokens must not be smaller than maxNumSeqs: the engine would not start",
            holds=lambda e: (
                e.max_num_seqs is None or e.max_num_batched_tokens is None or e.max_num_seqs <= e.max_num_batched_tokens
            ),
        ),
    )

    name: EngineName = EngineName.VLLM
    """The engine."""
    version: (
        Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+(\.[0-9]+)?([-.+]?[0-9A-Za-z]+)*$", max_length=32)]
        | None
    ) = None
    """Version of the engine, which decides its flags and its memory behaviour; absent: the newest known one."""
    image: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][-A-Za-z0-9._/:@]*$", max_length=512)] | None = None
    """Container image; absent: the pinned image of the version. A BudgetPolicy may have to allow it."""
    max_model_len: Annotated[Integer, Field(ge=1, le=100_000_000)] | None = None
    """Longest context (input and output) of one request in tokens.

    Absent: four times the mean request, at least 8192, at most what the model allows.
    """
    min_model_len: Annotated[Integer, Field(ge=1, le=100_000_000)] | None = None
    """Consent to shorten the context down to this many tokens when that makes the model fit; absent: no consent."""
    max_num_seqs: Annotated[Integer, Field(ge=1, le=65_536)] | None = None
    """Most requests in one batch; absent: the plan decides."""
    max_num_batched_tokens: Annotated[Integer, Field(ge=1, le=10_000_000)] | None = None
    """Most tokens in one engine step; absent: the plan decides."""
    gpu_memory_utilization: PositiveFraction | None = None
    """Share of the GPU's memory that the engine may use, from 0.01 to 1; absent: the plan decides."""
    kv_cache_dtype: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$", max_length=32)] = "auto"
    """Data type of the KV cache in the engine's spelling."""
    extra_args: Annotated[tuple[Line, ...], Field(min_length=1, max_length=64), ATOMIC] = ()
    """Further engine flags. Flags that the plan owns are refused; the rest a BudgetPolicy must allow."""
    api_key_secret_ref: SecretKeyReference | None = None
    """API key that clients must send; mounted into the engine only."""
