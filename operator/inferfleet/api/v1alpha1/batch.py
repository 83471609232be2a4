"""`spec.batch` of an InferenceDeployment: an OpenAI batch file in, a result file out, and until when.

In: YAML. Out: frozen values. The operator never opens these places itself; the tenant's own pods do.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from inferfleet.api.model import ApiModel, Rule
from inferfleet.api.scalars import Integer, ObjectName
from inferfleet.api.v1alpha1.metadata import SecretKeyReference, SecretReference
from inferfleet.api.v1alpha1.model_source import PATH_RULE_CEL, PATH_RULE_MESSAGE, RelativePath, is_relative_path
from inferfleet.api.v1alpha1.workload import Tokens

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\x00-\x20]+$", max_length=2048)]


class ClaimPath(ApiModel):
    """A path inside a PersistentVolumeClaim of the same namespace."""

    rules = (
        Rule(
            cel=PATH_RULE_CEL,
            message=PATH_RULE_MESSAGE,
            holds=lambda c: is_relative_path(c.path),
        ),
    )

    claim_name: ObjectName
    """Name of the claim."""
    path: RelativePath
    """Path inside the volume."""


class S3Object(ApiModel):
    """An object in S3 or a compatible store."""

    bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][-a-z0-9.]*[a-z0-9]$", min_length=3, max_length=63)]
    """Name of the bucket."""
    key: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]+$", min_length=1, max_length=1024)]
    """Key of the object, or prefix of the results."""
    endpoint: Url | None = None
    """Address of the store; absent: AWS."""
    credentials_secret_ref: SecretReference | None = None
    """Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; absent: the pod's own identity."""


class BatchInput(ApiModel):
    """Where the batch file is: exactly one place."""

    rules = (
        Rule(
            cel="[has(self.persistentVolumeClaim), has(self.urlSecretRef), has(self.s3), has(self.url)]"
            ".filter(given, given).size() == 1",
            message="exactly one of persistentVolumeClaim, urlSecretRef, s3 and url is required",
            holds=lambda i: _given(i.persistent_volume_claim, i.url_secret_ref, i.s3, i.url) == 1,
        ),
    )

    persistent_volume_claim: ClaimPath | None = None
    """A file in a volume."""
    url_secret_ref: SecretKeyReference | None = None
    """A Secret that holds the URL, for signed URLs."""
    s3: S3Object | None = None
    """An object in S3 or a compatible store."""
    url: Url | None = None
    """A public URL. A signed one is a secret: use urlSecretRef."""


class BatchOutput(ApiModel):
    """Where the results go: exactly one place."""

    rules = (
        Rule(
            cel="[has(self.persistentVolumeClaim), has(self.urlSecretRef), has(self.s3)]"
            ".filter(given, given).size() == 1",
            message="exactly one of persistentVolumeClaim, urlSecretRef and s3 is required",
            holds=lambda o: _given(o.persistent_volume_claim, o.url_secret_ref, o.s3) == 1,
        ),
    )

    persistent_volume_claim: ClaimPath | None = None
    """A file or folder in a volume."""
    url_secret_ref: SecretKeyReference | None = None
    """A Secret that holds a URL for upload."""
    s3: S3Object | None = None
    """An object or prefix in S3 or a compatible store."""


def _given(*places: object | None) -> int:
    """Count the places that are given."""
    return sum(place is not None for place in places)


def _files_differ(batch: Batch) -> bool:
    """Whether results in a volume cannot overwrite the input."""
    source, target = batch.input.persistent_volume_claim, batch.output.persistent_volume_claim
    if source is None or target is None or source.claim_name != target.claim_name:
        return True
    return target.path.removesuffix("/") != source.path.removesuffix("/")


def _objects_differ(batch: Batch) -> bool:
    """Whether results in an object store cannot overwrite the input."""
    source, target = batch.input.s3, batch.output.s3
    return source is None or target is None or (source.bucket, source.key) != (target.bucket, target.key)


def _secrets_differ(batch: Batch) -> bool:
    """Whether input and output do not come from the same secret URL."""
    return batch.input.url_secret_ref is None or batch.input.url_secret_ref != batch.output.url_secret_ref


class Batch(ApiModel):
    """A finite piece of work."""

    rules = (
        Rule(
            cel="!has(self.input.persistentVolumeClaim) || !has(self.output.persistentVolumeClaim)"
            " || self.input.persistentVolumeClaim.claimName != self.output.persistentVolumeClaim.claimName"
            " || (self.input.persistentVolumeClaim.path != self.output.persistentVolumeClaim.path"
            " && self.input.persistentVolumeClaim.path + '/' != self.output.persistentVolumeClaim.path"
            " && self.input.persistentVolumeClaim.path != self.output.persistentVolumeClaim.path + '/')",
            message="input and output must not be the same place",
            holds=_files_differ,
        ),
        Rule(
            cel="!has(self.input.s3) || !has(self.output.s3) || self.input.s3.bucket != self.output.s3.bucket"
            " || self.input.s3.key != self.output.s3.key",
            message="input and output must not be the same place",
            holds=_objects_differ,
        ),
        Rule(
            cel="!has(self.input.urlSecretRef) || !has(self.output.urlSecretRef)"
            " || self.input.urlSecretRef.name != self.output.urlSecretRef.name"
            " || self.input.urlSecretRef.key != self.output.urlSecretRef.key",
            message="input and output must not be the same place",
            holds=_secrets_differ,
        ),
    )

    input: BatchInput
    """The batch file: one OpenAI request per line."""
    output: BatchOutput
    """Where the results go."""
    requests: Annotated[Integer, Field(ge=1, le=10**12)] | None = None
    """Lines in the input; absent: counted by the tenant's pod."""
    input_tokens: Tokens | None = None
    """Mean input tokens per request; absent: 1000 is assumed with low confidence until progress corrects it."""
    output_tokens: Tokens | None = None
    """Mean output tokens per request; absent: 500 is assumed with low confidence until progress corrects it."""
    deadline_seconds: Annotated[Integer, Field(ge=60, le=31_536_000)] | None = None
    """Until when the batch must be done, in seconds from creation; absent: no deadline."""
    max_parallelism: Annotated[Integer, Field(ge=1, le=1000)] | None = None
    """Most shards at work at the same time; absent: the plan decides."""
