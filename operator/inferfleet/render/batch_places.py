"""Where a batch reads and writes: volumes, variables and arguments of the worker.

In: `spec.batch`. Out: the pieces of a pod that make both places reachable. URLs that may be signed and all credentials
stay in Secrets; neither this program nor the pod's description ever holds them.
"""

from dataclasses import dataclass

from inferfleet.api.v1alpha1.batch import Batch, BatchInput, BatchOutput, ClaimPath, S3Object
from inferfleet.api.v1alpha1.metadata import SecretKeyReference
from inferfleet.render.environment import secret_variable
from inferfleet.render.manifest import Body
from inferfleet.render.names import BATCH_INPUT_PATH, BATCH_OUTPUT_PATH

_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_OPTIONAL_CREDENTIALS = ("AWS_SESSION_TOKEN", "AWS_REGION")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What the worker's pod needs for its input and output."""

    args: tuple[str, ...]
    env: tuple[Body, ...] = ()
    volumes: tuple[Body, ...] = ()
    mounts: tuple[Body, ...] = ()


def batch_places(batch: Batch, name: str) -> Places:
    """Return input and output together; a claim that holds both appears once as volume and twice as mount.

    `name` is the InferenceDeployment's, and names the results where the spec names only a folder.
    """
    source, target = _source(batch.input), _target(batch.output, name)
    volumes = {_claim_of(volume): volume for volume in (*source.volumes, *target.volumes)}
    renamed = {volume["name"]: volumes[_claim_of(volume)]["name"] for volume in (*source.volumes, *target.volumes)}
    mounts = tuple({**mount, "name": renamed[mount["name"]]} for mount in (*source.mounts, *target.mounts))
    return Places(
        args=(*source.args, *target.args),
        env=(*source.env, *target.env),
        volumes=tuple(volumes.values()),
        mounts=mounts,
    )


def _source(place: BatchInput) -> Places:
    if place.persistent_volume_claim is not None:
        return _claim(place.persistent_volume_claim, "input", BATCH_INPUT_PATH, place.persistent_volume_claim.path)
    if place.url_secret_ref is not None:
        return _secret_url("input", place.url_secret_ref)
    if place.s3 is not None:
        return _s3("input", place.s3)
    return Places(args=(f"--input={place.url}",))


def _target(place: BatchOutput, name: str) -> Places:
    if place.persistent_volume_claim is not None:
        path = output_file(place.persistent_volume_claim.path, name)
        return _claim(place.persistent_volume_claim, "output", BATCH_OUTPUT_PATH, path)
    if place.url_secret_ref is not None:
        return _secret_url("output", place.url_secret_ref)
    assert place.s3 is not None
    return _s3("output", place.s3.model_copy(update={"key": output_file(place.s3.key, name)}))


def output_file(path: str, name: str) -> str:
    """Return the results' file: the path itself when it names a .jsonl file, else `NAME.jsonl` in that folder.

    The name keeps two batches apart that write to the same folder.
    """
    return path if path.endswith(".jsonl") else f"{path.rstrip('/')}/{name}.jsonl".lstrip("/")


def _claim(place: ClaimPath, side: str, mount_path: str, path: str) -> Places:
    name = f"batch-{side}"
    mount: Body = {"name": name, "mountPath": mount_path}
    if side == "input":
        mount["readOnly"] = True
    return Places(
        args=(f"--{side}={mount_path}/{path}",),
        volumes=({"name": name, "persistentVolumeClaim": {"claimName": place.claim_name}},),
        mounts=(mount,),
    )


def _claim_of(volume: Body) -> str:
    return str(volume["persistentVolumeClaim"]["claimName"])


def _secret_url(side: str, reference: SecretKeyReference) -> Places:
    variable = f"BATCH_{side.upper()}_URL"
    return Places(args=(f"--{side}=env:{variable}",), env=(secret_variable(variable, reference),))


def _s3(side: str, place: S3Object) -> Places:
    """Credentials become variables named after the side: input and output may belong to different accounts."""
    args = [f"--{side}=s3://{place.bucket}/{place.key}"]
    if place.endpoint is not None:
        args.append(f"--{side}-s3-endpoint={place.endpoint}")
    env: list[Body] = []
    if place.credentials_secret_ref is not None:
        for key in (*_CREDENTIALS, *_OPTIONAL_CREDENTIALS):
            reference: Body = {"name": place.credentials_secret_ref.name, "key": key}
            if key in _OPTIONAL_CREDENTIALS:
                reference["optional"] = True
            env.append({"name": f"BATCH_{side.upper()}_{key}", "valueFrom": {"secretKeyRef": reference}})
    return Places(args=tuple(args), env=tuple(env))
