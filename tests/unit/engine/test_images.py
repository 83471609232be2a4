import pytest

from inferfleet.domain.problem import Problem
from inferfleet.engine.images import check_image, default_image

DIGEST = "@sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "prefix"),
    [
        ("vllm/vllm-openai:v0.32.0", "vllm/vllm-openai:"),
        ("vllm/vllm-openai:v0.32.0", "vllm/vllm-openai"),
        (f"vllm/vllm-openai{DIGEST}", "vllm/vllm-openai"),
        ("mirror.example.org/vllm/vllm-openai:v1", "mirror.example.org/"),
        (f"acme/vllm{DIGEST}", f"acme/vllm{DIGEST}"),
    ],
)
def test_an_image_under_an_allowed_prefix_passes(image: str, prefix: str) -> None:
    assert check_image(image, [prefix], require_digest=False) == image


@pytest.mark.parametrize(
    ("image", "prefix"),
    [
        ("acme/vllm-evil:1", "acme/vllm"),
        ("evil.example.org/vllm/vllm-openai:1", "vllm/vllm-openai:"),
        ("vllm/vllm-openai:1", ""),
    ],
)
def test_an_image_that_only_looks_alike_does_not(image: str, prefix: str) -> None:
    found = check_image(image, [prefix], require_digest=False)
    assert isinstance(found, Problem)
    assert found.field == "spec.engine.image"


def test_no_policy_allows_no_image_but_the_default() -> None:
    assert "allowedImages: none" in str(check_image("vllm/vllm-openai:v0.31.0", [], require_digest=False))
    assert check_image("vllm/vllm-openai:v0.32.0", [], require_digest=False) == "vllm/vllm-openai:v0.32.0"


def test_a_required_digest_must_be_there() -> None:
    assert "must be pinned by digest" in str(check_image("acme/vllm:1", ["acme/"], require_digest=True))
    assert check_image(f"acme/vllm:1{DIGEST}", ["acme/"], require_digest=True) == f"acme/vllm:1{DIGEST}"


@pytest.mark.parametrize(
    ("resource", "image"),
    [("nvidia.com/gpu", "vllm/vllm-openai:v0.32.0"), ("amd.com/gpu", "vllm/vllm-openai-rocm:v0.32.0")],
)
def test_the_default_is_the_release_image_for_the_vendor(resource: str, image: str) -> None:
    assert default_image("0.32.0", resource) == image
