"""The built-in GPU types, read once from `data/gpus.yaml`.

In: the data file beside this module. Out: frozen `GPU` values by name, each figure with its source. Cluster objects
(`GPUType`) override entries elsewhere; this file must not look at a cluster, and it refuses contradicting data.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

from inferfleet.api.enums import CapacityType, Interconnect
from inferfleet.catalog.node_gpu import AMD_PRODUCT, GFD_PRODUCT
from inferfleet.catalog.packaged import read_packaged
from inferfleet.domain.gpu import GPU, NodeLabel, Price

# One value of these names one product; cloud labels such as Karpenter's `a100` may name several.
_UNIQUE_LABELS = frozenset({GFD_PRODUCT, AMD_PRODUCT, "node.kubernetes.io/instance-type"})


class CatalogError(ValueError):
    """The built-in data contradicts itself; the message names the entry, the field and the value."""


@cache
def gpus() -> Mapping[str, GPU]:
    """Return all built-in GPU types by name, in the order of the file.

    Raises `CatalogError` when the file repeats a name or prices a capacity type twice.
    """
    return read_gpus(read_packaged("gpus.yaml"))


def read_gpus(document: Mapping[str, Any]) -> Mapping[str, GPU]:
    """Turn the parsed data file into GPU types by name; raises `CatalogError` when entries contradict each other."""
    found: dict[str, GPU] = {}
    for entry in document["gpus"]:
        gpu = _gpu(entry, document["sources"], document["priceSources"])
        if gpu.name in found:
            raise CatalogError(f"gpus: name {gpu.name!r} stands twice; names are unique")
        found[gpu.name] = gpu
    _refuse_twins(found.values())
    return MappingProxyType(found)


def _gpu(entry: Mapping[str, Any], sources: Mapping[str, str], price_sources: Mapping[str, str]) -> GPU:
    tflops = entry["denseTFLOPS"]
    usable = entry.get("usableGiB")
    capability = entry.get("computeCapability")
    return GPU(
        name=entry["name"],
        product=entry["product"],
        vendor=entry.get("vendor", "NVIDIA"),
        memory_mib=entry["memoryMiB"]["value"],
        usable_gib=None if usable is None else usable["value"],
        memory_bandwidth_gb_per_s=entry["memoryBandwidthGBps"]["value"],
        bf16_tflops=tflops.get("bf16"),
        fp16_tflops=tflops.get("fp16"),
        fp8_tflops=tflops.get("fp8"),
        int8_tflops=tflops.get("int8"),
        compute_capability=None if capability is None else _capability(capability),
        architecture=entry.get("architecture"),
        interconnect=Interconnect(entry["interconnect"]),
        labels=tuple(NodeLabel(key=key, value=value) for key, values in entry["labels"].items() for value in values),
        prices=_prices(entry, price_sources),
        source=_source(entry, sources),
    )


def _capability(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _prices(entry: Mapping[str, Any], price_sources: Mapping[str, str]) -> tuple[Price, ...]:
    prices = tuple(_price(row, price_sources) for row in entry.get("prices", ()))
    kinds = [price.capacity_type for price in prices]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise CatalogError(f"gpus: {entry['name']} has two prices for {kind}; one per capacity type is accepted")
    return prices


def _price(row: Mapping[str, Any], price_sources: Mapping[str, str]) -> Price:
    read_on = row.get("date")
    return Price(
        capacity_type=CapacityType(row["capacityType"]),
        usd_per_gpu_hour=Decimal(row["usdPerGPUHour"]),
        source=f"{price_sources[row['source']]}: {row['sku']}",
        date=read_on if isinstance(read_on, date) else None,
    )


def _source(entry: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    """One sentence per figure: `memoryMiB: ...; memoryBandwidthGBps: ...`; a figure without a source is an error."""
    named = (key for key in ("memoryMiB", "usableGiB", "memoryBandwidthGBps", "denseTFLOPS") if key in entry)
    return "; ".join(f"{key}: {sources[entry[key]['source']]}" for key in named)


def _refuse_twins(entries: Iterable[GPU]) -> None:
    """Refuse two types that a driver's product label could not tell apart."""
    owners: dict[tuple[str, str], str] = {}
    for gpu in entries:
        for label in gpu.labels:
            if label.key not in _UNIQUE_LABELS:
                continue
            other = owners.setdefault((label.key, label.value.casefold()), gpu.name)
            if other != gpu.name:
                raise CatalogError(f"gpus: label {label.key}={label.value} belongs to {other} and to {gpu.name}")
