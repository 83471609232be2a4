"""Which image runs the engine: the pinned default of the GPU's vendor, or one that the matching policies allow.

In: `spec.engine.image` and what the policies allow. Out: an image, or a `Problem`. A tag is never read as a version.
"""

import re
from collections.abc import Iterable

from inferfleet.api.gpu_resources import vendor_of
from inferfleet.catalog.engine_flags import captured_versions
from inferfleet.domain.problem import Problem

FIELD = "spec.engine.image"

# The project's release images: vLLM documentation "Using Docker" (NVIDIA) and the repository vllm/vllm-openai-rocm that
# vLLM publishes beside it with the same tags and the same entry point (AMD).
NVIDIA_REPOSITORY = "vllm/vllm-openai"
AMD_REPOSITORY = "vllm/vllm-openai-rocm"

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def default_image(version: str, gpu_resource_name: str) -> str:
    """Return the release image of this engine version for the pool's GPUs, pinned by its version tag."""
    repository = AMD_REPOSITORY if vendor_of(gpu_resource_name) == "AMD" else NVIDIA_REPOSITORY
    return f"{repository}:v{version}"


def check_image(image: str, allowed_prefixes: Iterable[str], require_digest: bool) -> str | Problem:
    """Return the image, or why no matching policy lets it run. What would run anyway needs no policy.

    A prefix must end where a part of an image reference ends (`:`, `/`, `@`) or be the whole reference, so that
    `acme/vllm` does not let `acme/vllm-evil` pass.
    """
    prefixes = tuple(sorted(set(allowed_prefixes)))
    if image not in _defaults() and not any(_within(image, prefix) for prefix in prefixes):
        message = (
            f"is not allowed by a matching BudgetPolicy; spec.engine.allowedImages: {', '.join(prefixes) or 'none'}"
        )
        return Problem(field=FIELD, value=image, message=message)
    if require_digest and _DIGEST.search(image) is None:
        message = "must be pinned by digest (NAME@sha256:...), as a matching BudgetPolicy requires"
        return Problem(field=FIELD, value=image, message=message)
    return image


def _defaults() -> frozenset[str]:
    """Name the images that run where no image is named: those of the versions whose flags are known."""
    repositories = (NVIDIA_REPOSITORY, AMD_REPOSITORY)
    return frozenset(f"{repository}:v{version}" for repository in repositories for version in captured_versions())


def _within(image: str, prefix: str) -> bool:
    if not prefix or not image.startswith(prefix):
        return False
    return prefix[-1] in ":/@" or image == prefix or image[len(prefix)] in ":/@"
