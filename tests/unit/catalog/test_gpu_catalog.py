"""The built-in GPU types: every figure has a source, and data that contradicts itself is refused."""

import copy
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
import yaml

from inferfleet.api.enums import CapacityType, Interconnect
from inferfleet.catalog.gpus import CatalogError, gpus, read_gpus


def _document() -> dict[str, Any]:
    text = files("inferfleet.catalog").joinpath("data/gpus.yaml").read_text("utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def test_the_catalogue_is_read_once() -> None:
    assert gpus() is gpus()


def test_every_figure_names_a_source() -> None:
    for gpu in gpus().values():
        for figure in ("memoryMiB: ", "memoryBandwidthGBps: ", "denseTFLOPS: "):
            assert figure in gpu.source, gpu.name
        assert ("usableGiB: " in gpu.source) == (gpu.usable_gib is not None), gpu.name


def test_every_price_names_a_source_and_a_product_of_its_provider() -> None:
    for gpu in gpus().values():
        for price in gpu.prices:
            assert ": " in price.source
            assert price.usd_per_gpu_hour > 0


def test_spot_is_never_dearer_than_on_demand() -> None:
    for gpu in gpus().values():
        spot, on_demand = gpu.price(CapacityType.SPOT), gpu.price(CapacityType.ON_DEMAND)
        if spot is not None:
            assert on_demand is not None
            assert spot.usd_per_gpu_hour < on_demand.usd_per_gpu_hour


def test_usable_memory_is_a_little_less_than_the_driver_reports() -> None:
    for gpu in gpus().values():
        if gpu.usable_gib is not None:
            assert 0.94 < gpu.usable_gib / gpu.memory_gib <= 1.0, gpu.name


def test_low_precision_units_are_at_least_as_fast_as_16_bit_ones() -> None:
    for gpu in gpus().values():
        sixteen = gpu.bf16_tflops or gpu.fp16_tflops
        assert sixteen, gpu.name
        assert gpu.fp8_tflops is None or gpu.fp8_tflops >= sixteen, gpu.name


def test_gpus_before_ampere_have_no_bf16_units() -> None:
    for gpu in gpus().values():
        if gpu.compute_capability is not None and gpu.compute_capability < (8, 0):
            assert gpu.bf16_tflops is None, gpu.name


def test_only_gpus_with_8_bit_float_units_state_them() -> None:
    for gpu in gpus().values():
        if gpu.compute_capability is not None:
            assert (gpu.fp8_tflops is not None) == (gpu.compute_capability >= (8, 9)), gpu.name


def test_the_l40s_has_the_documented_figures() -> None:
    gpu = gpus()["nvidia-l40s-48gb"]
    price = gpu.price(CapacityType.ON_DEMAND)
    assert (gpu.memory_mib, gpu.memory_bandwidth_gb_per_s, gpu.bf16_tflops) == (46068, 864, 362)
    assert gpu.compute_capability == (8, 9)
    assert gpu.interconnect is Interconnect.PCIE
    assert price is not None
    assert price.usd_per_gpu_hour == Decimal("1.861")


def test_a_name_that_stands_twice_is_refused() -> None:
    document = _document()
    document["gpus"].append(copy.deepcopy(document["gpus"][0]))
    with pytest.raises(CatalogError, match="stands twice"):
        read_gpus(document)


def test_two_prices_for_one_capacity_type_are_refused() -> None:
    document = _document()
    document["gpus"][0]["prices"] *= 2
    with pytest.raises(CatalogError, match="two prices for OnDemand"):
        read_gpus(document)


def test_two_types_with_one_product_label_are_refused() -> None:
    document = _document()
    twin = copy.deepcopy(document["gpus"][0])
    twin["name"] = "nvidia-twin"
    document["gpus"].append(twin)
    with pytest.raises(CatalogError, match=r"label nvidia.com/gpu.product=Tesla-T4 belongs to"):
        read_gpus(document)


def test_a_figure_without_a_known_source_is_refused() -> None:
    document = _document()
    document["gpus"][0]["memoryMiB"]["source"] = "hearsay"
    with pytest.raises(KeyError, match="hearsay"):
        read_gpus(document)
