"""The facts of models that a Hugging Face hub has: config.json and the sizes of weight files, never the weights.

In: a model id and revision, and the operator's own endpoint and token. Out: a `Model`, an `UnknownModel` that says
what to do instead, or `Unreachable`, which is worth another try. Blocking; the caller runs it in a thread and keeps
the answer. Must not follow anything a tenant wrote except the id, which the API's schema restricts.
"""

import json
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inferfleet.catalog.model_config import from_config
from inferfleet.domain.memory import MIB
from inferfleet.domain.model import Model, UnknownModel

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo

TIMEOUT_SECONDS = 10.0
# The largest config.json seen in public repositories is well below 1 MiB; more is not read.
LARGEST_CONFIG_BYTES = MIB
REMEDY = "describe it with a ModelProfile"

_SHARD = re.compile(r"-\d{5}-of-\d{5}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """The hub gave no answer, or one that may differ next time."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAccess:
    """Where the hub is and who asks: the operator's own settings, never a tenant's. Token None: anonymous."""

    endpoint: str
    token: str | None = None


def look_up(access: HubAccess, model_id: str, revision: str) -> Model | UnknownModel | Unreachable:
    """Ask the hub about one model; takes up to a few time-outs of 10 seconds."""
    from httpx2 import HTTPError  # noqa: PLC0415
    from huggingface_hub import HfApi  # noqa: PLC0415 - 30 MiB that an air-gapped operator never pays for
    from huggingface_hub import errors as hub  # noqa: PLC0415

    api = HfApi(endpoint=access.endpoint, token=access.token or False, library_name="inferfleet")
    try:
        info = api.model_info(model_id, revision=revision, timeout=TIMEOUT_SECONDS, files_metadata=True)
        return _read(api, info, model_id, revision)
    except hub.GatedRepoError:
        return UnknownModel(id=model_id, message=f"{model_id} is gated on {access.endpoint}: {REMEDY}")
    except hub.RevisionNotFoundError:
        message = f"spec.model.revision: {model_id} has no revision {revision!r} on {access.endpoint}"
        return UnknownModel(id=model_id, message=message)
    except hub.RepositoryNotFoundError:
        message = f"{model_id} is not on {access.endpoint}, or it is private: check the spelling, or {REMEDY}"
        return UnknownModel(id=model_id, message=message)
    except hub.EntryNotFoundError:
        return UnknownModel(id=model_id, message=f"{model_id} has no config.json on {access.endpoint}: {REMEDY}")
    except (HTTPError, hub.LocalEntryNotFoundError, OSError) as error:
        return Unreachable(message=f"{access.endpoint} did not answer about {model_id}: {type(error).__name__}")


def _read(api: "HfApi", info: "ModelInfo", model_id: str, revision: str) -> Model | UnknownModel:
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    if sizes.get("config.json", 0) > LARGEST_CONFIG_BYTES:
        message = (
            f"config.json of {model_id} has {sizes['config.json']} bytes, more than {LARGEST_CONFIG_BYTES}: {REMEDY}"
        )
        return UnknownModel(id=model_id, message=message)
    with tempfile.TemporaryDirectory(prefix="inferfleet-hub-") as folder:
        path = api.hf_hub_download(
            model_id, "config.json", revision=revision, cache_dir=folder, etag_timeout=TIMEOUT_SECONDS
        )
        text = Path(path).read_bytes()
    try:
        config = json.loads(text)
    except ValueError:
        config = None
    if not isinstance(config, dict):
        return UnknownModel(id=model_id, message=f"config.json of {model_id} is not a JSON object: {REMEDY}")
    return from_config(
        model_id,
        config,
        weight_bytes=weight_bytes(sizes.items()),
        parameters=info.safetensors.total if info.safetensors else None,
        source=f"{api.endpoint}/{model_id} at {info.sha or revision}",
    )


def weight_bytes(files: Iterable[tuple[str, int]]) -> int | None:
    """Return the bytes of one copy of the weights among (path, bytes), None when there are no weight files.

    Repositories often hold a second copy: `original/`, `consolidated.*` beside `model-*`, or `.bin` beside
    `.safetensors`. Only files at the root count, safetensors before the older format, and the set of shards named
    `model` before any other (transformers' SAFE_WEIGHTS_NAME, which is what vLLM's default loader takes).
    """
    root = [(path, size) for path, size in files if "/" not in path]
    for suffix in (".safetensors", ".bin", ".pt"):
        copies: dict[str, int] = {}
        for path, size in root:
            if path.endswith(suffix):
                stem = _SHARD.sub("", path.removesuffix(suffix))
                copies[stem] = copies.get(stem, 0) + size
        if copies:
            preferred = next((name for name in ("model", "pytorch_model") if name in copies), None)
            return copies[preferred] if preferred else max(copies.values())
    return None
