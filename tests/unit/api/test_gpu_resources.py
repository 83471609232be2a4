"""Names of extended resources: which are GPUs, and which are whole ones."""

import pytest

from inferfleet.api.gpu_resources import is_gpu_resource, is_whole_gpu

PARTS = [
    "nvidia.com/gpu.shared",
    "nvidia.com/mig-1g.10gb",
    "nvidia.com/mig-1g.10gb.me",
    "nvidia.com/mig-1c.2g.20gb",
    "nvidia.com/mig-3g.20gb.shared",
    "amd.com/cpx_nps4",
]


@pytest.mark.parametrize("name", ["nvidia.com/gpu", "amd.com/gpu"])
def test_a_whole_gpu_is_one(name: str) -> None:
    assert is_gpu_resource(name)
    assert is_whole_gpu(name)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_a_gpu_is_a_gpu_resource_but_no_whole_gpu(name: str) -> None:
    assert is_gpu_resource(name)
    assert not is_whole_gpu(name)


@pytest.mark.parametrize("name", ["cpu", "memory", "nvidia.com/gpu.product", "nvidia.com/mig", "example.com/gpu"])
def test_anything_else_is_no_gpu_resource(name: str) -> None:
    assert not is_gpu_resource(name)
