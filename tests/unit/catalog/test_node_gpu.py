"""Naming a node's GPU from its labels, in every cloud's spelling; unknown is an answer."""

from dataclasses import replace

import pytest

from inferfleet.catalog.gpus import gpus
from inferfleet.catalog.node_gpu import Identified, UnknownGPU, identify

GFD = "nvidia.com/gpu.product"
GFD_MEMORY = "nvidia.com/gpu.memory"
KARPENTER = "karpenter.k8s.aws/instance-gpu-name"
KARPENTER_MEMORY = "karpenter.k8s.aws/instance-gpu-memory"


def known(labels: dict[str, str]) -> Identified:
    found = identify(labels, gpus().values())
    assert isinstance(found, Identified), found
    return found


def unknown(labels: dict[str, str]) -> UnknownGPU:
    found = identify(labels, gpus().values())
    assert isinstance(found, UnknownGPU), found
    return found


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ({GFD: "NVIDIA-L40S", GFD_MEMORY: "46068"}, "nvidia-l40s-48gb"),
        ({GFD: "NVIDIA-L40"}, "nvidia-l40-48gb"),
        ({GFD: "NVIDIA-L4", GFD_MEMORY: "23034"}, "nvidia-l4-24gb"),
        ({GFD: "NVIDIA-A10G"}, "nvidia-a10g-24gb"),
        ({GFD: "NVIDIA-A10"}, "nvidia-a10-24gb"),
        ({GFD: "Tesla-T4", GFD_MEMORY: "15109"}, "nvidia-t4-16gb"),
        ({GFD: "A100-SXM4-40GB", GFD_MEMORY: "39538"}, "nvidia-a100-40gb"),
        ({GFD: "NVIDIA-A100-SXM4-80GB", GFD_MEMORY: "81920"}, "nvidia-a100-80gb"),
        ({GFD: "nvidia-a100-80gb-pcie"}, "nvidia-a100-pcie-80gb"),
        ({GFD: "NVIDIA-H100-80GB-HBM3", GFD_MEMORY: "81559"}, "nvidia-h100-80gb"),
        ({GFD: "NVIDIA-H100-PCIe"}, "nvidia-h100-pcie-80gb"),
        ({GFD: "NVIDIA-GB200"}, "nvidia-gb200-186gb"),
        ({GFD: "NVIDIA-B200"}, "nvidia-b200-180gb"),
        ({"cloud.google.com/gke-accelerator": "nvidia-tesla-a100"}, "nvidia-a100-40gb"),
        ({"cloud.google.com/gke-accelerator": "nvidia-h100-mega-80gb"}, "nvidia-h100-80gb"),
        ({KARPENTER: "t4", KARPENTER_MEMORY: "16384"}, "nvidia-t4-16gb"),
        ({KARPENTER: "l4", KARPENTER_MEMORY: "22888"}, "nvidia-l4-24gb"),
        ({KARPENTER: "a100", KARPENTER_MEMORY: "40960"}, "nvidia-a100-40gb"),
        ({KARPENTER: "a100", KARPENTER_MEMORY: "81920"}, "nvidia-a100-80gb"),
        ({KARPENTER: "h200", KARPENTER_MEMORY: "144384"}, "nvidia-h200-141gb"),
        ({KARPENTER: "rtx-pro-server-6000", KARPENTER_MEMORY: "98304"}, "nvidia-rtx-pro-6000-96gb"),
        ({"eks.amazonaws.com/instance-gpu-name": "l40s"}, "nvidia-l40s-48gb"),
        ({"k8s.amazonaws.com/accelerator": "nvidia-a10g"}, "nvidia-a10g-24gb"),
        ({"gpu.nvidia.com/class": "H200", "gpu.nvidia.com/vram": "141"}, "nvidia-h200-141gb"),
        ({"gpu.nvidia.com/class": "A100_NVLINK_80GB", "gpu.nvidia.com/vram": "80"}, "nvidia-a100-80gb"),
        ({"node.kubernetes.io/instance-type": "Standard_NC24ads_A100_v4"}, "nvidia-a100-pcie-80gb"),
        ({"amd.com/gpu.product-name": "AMD_Instinct_MI300X", "amd.com/gpu.vram": "192G"}, "amd-mi300x-192gb"),
        ({"beta.amd.com/gpu.product-name": "Instinct_MI300X_VF"}, "amd-mi300x-192gb"),
    ],
)
def test_a_node_is_named_from_the_labels_of_its_platform(labels: dict[str, str], name: str) -> None:
    assert known(labels).gpu_type == name


def test_a_name_shared_by_two_sizes_stays_unknown_without_a_memory_label() -> None:
    assert "nvidia-a100-40gb or nvidia-a100-80gb" in unknown({KARPENTER: "a100"}).message


def test_a_second_label_decides_between_two_sizes() -> None:
    labels = {"karpenter.azure.com/sku-gpu-name": "A100", "node.kubernetes.io/instance-type": "Standard_ND96asr_v4"}
    assert known(labels).gpu_type == "nvidia-a100-40gb"


def test_labels_that_name_different_products_contradict_each_other() -> None:
    message = unknown({GFD: "NVIDIA-L4", KARPENTER: "l40s"}).message
    assert "contradict" in message
    assert "nvidia-l40s-48gb" in message


def test_a_memory_label_that_fits_no_candidate_is_an_answer_of_unknown() -> None:
    message = unknown({GFD: "NVIDIA-L4", GFD_MEMORY: "46068"}).message
    assert "46068 MiB" in message
    assert "23034 MiB" in message


def test_a_driver_figure_must_agree_within_three_percent() -> None:
    assert known({GFD: "NVIDIA-L4", GFD_MEMORY: str(int(23034 * 0.975))}).gpu_type == "nvidia-l4-24gb"
    assert "contradict" in unknown({GFD: "NVIDIA-L4", GFD_MEMORY: str(int(23034 * 1.04))}).message


def test_the_lower_memory_figure_is_the_one_to_plan_with() -> None:
    assert known({GFD: "NVIDIA-L4", GFD_MEMORY: "23034", KARPENTER_MEMORY: "22888"}).memory_mib == 22888


def test_a_memory_label_that_is_no_number_counts_as_absent() -> None:
    assert known({GFD: "NVIDIA-L4", GFD_MEMORY: "lots"}).memory_mib == 23034


def test_a_product_that_nobody_knows_is_named_in_the_message() -> None:
    assert "NVIDIA-Unheard-Of" in unknown({GFD: "NVIDIA-Unheard-Of"}).message


def test_a_node_without_product_labels_stays_unknown() -> None:
    assert "no label names a GPU product" in unknown({"kubernetes.io/arch": "amd64", GFD_MEMORY: "23034"}).message


def test_a_label_of_the_platform_team_makes_a_product_known() -> None:
    ours = replace(
        gpus()["nvidia-l4-24gb"], name="acme-l4", labels=(replace(gpus()["nvidia-l4-24gb"].labels[0], value="ACME"),)
    )
    found = identify({GFD: "acme"}, [*gpus().values(), ours])
    assert isinstance(found, Identified)
    assert found.gpu_type == "acme-l4"


def test_two_types_with_the_same_label_are_ambiguous() -> None:
    twin = replace(gpus()["nvidia-l4-24gb"], name="acme-l4")
    found = identify({GFD: "NVIDIA-L4"}, [*gpus().values(), twin])
    assert isinstance(found, UnknownGPU)
    assert "acme-l4 or nvidia-l4-24gb" in found.message


@pytest.mark.parametrize(
    "labels",
    [
        {GFD: "NVIDIA-L4-SHARED"},
        {GFD: "NVIDIA-L4", "nvidia.com/gpu.sharing-strategy": "time-slicing"},
        {GFD: "NVIDIA-L4", "nvidia.com/gpu.replicas": "4"},
        {GFD: "NVIDIA-L4", "cloud.google.com/gke-max-shared-clients-per-gpu": "2"},
        {GFD: "NVIDIA-L4", "cloud.google.com/gke-gpu-sharing-strategy": "time-sharing"},
    ],
)
def test_a_gpu_that_several_pods_share_is_recognised(labels: dict[str, str]) -> None:
    found = known(labels)
    assert found.shared
    assert not found.whole


@pytest.mark.parametrize("replicas", ["0", "1", ""])
def test_replica_labels_of_unshared_gpus_do_not_mean_sharing(replicas: str) -> None:
    found = known({GFD: "NVIDIA-L4", "nvidia.com/gpu.replicas": replicas, "nvidia.com/gpu.sharing-strategy": "none"})
    assert found.whole


def test_a_mig_slice_keeps_the_memory_of_the_slice() -> None:
    found = known({GFD: "A100-SXM4-40GB-MIG-1g.5gb", GFD_MEMORY: "4864"})
    assert (found.gpu_type, found.mig_profile, found.memory_mib) == ("nvidia-a100-40gb", "1g.5gb", 4864)


def test_the_mixed_mig_strategy_is_recognised_by_its_counts() -> None:
    found = known({GFD: "NVIDIA-A100-SXM4-80GB", GFD_MEMORY: "81920", "nvidia.com/mig-3g.40gb.count": "2"})
    assert found.mig_profile == "3g.40gb"


def test_a_partitioned_amd_gpu_is_not_whole() -> None:
    labels = {"amd.com/gpu.product-name": "AMD_Instinct_MI300X", "amd.com/gpu.compute-memory-partition": "CPX_NPS4"}
    assert known(labels).mig_profile == "CPX_NPS4"


def test_the_labels_that_decided_are_reported() -> None:
    assert known({GFD: "NVIDIA-L4", "karpenter.sh/capacity-type": "spot"}).product_labels == (GFD,)
