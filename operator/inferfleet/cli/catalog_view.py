"""The built-in GPU types and models as values and as tables.

In: catalogue entries. Out: plain values (money as decimal strings, dates as text) and rich tables.
"""

from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from inferfleet.api.model import camel_case
from inferfleet.domain.gpu import GPU, Price
from inferfleet.domain.model import Model
from inferfleet.domain.wording import rate_text

BILLION = 1e9


def gpu_values(gpu: GPU) -> dict[str, object]:
    """Return one GPU type in the spelling of a GPUType's spec, with its source."""
    capability = gpu.compute_capability
    tflops = {"bf16": gpu.bf16_tflops, "fp16": gpu.fp16_tflops, "fp8": gpu.fp8_tflops, "int8": gpu.int8_tflops}
    return {
        "name": gpu.name,
        "product": gpu.product,
        "vendor": gpu.vendor,
        "memoryMiB": gpu.memory_mib,
        "usableGiB": gpu.usable_gib,
        "memoryBandwidthGBps": gpu.memory_bandwidth_gb_per_s,
        "denseTFLOPS": {name: value for name, value in tflops.items() if value is not None},
        "computeCapability": None if capability is None else f"{capability[0]}.{capability[1]}",
        "architecture": gpu.architecture,
        "interconnect": gpu.interconnect.value,
        "labels": [{"key": label.key, "value": label.value} for label in gpu.labels],
        "prices": [_price(price) for price in gpu.prices],
        "source": gpu.source,
    }


def _price(price: Price) -> dict[str, object]:
    return {
        "capacityType": price.capacity_type.value,
        "usdPerGPUHour": rate_text(price.usd_per_gpu_hour),
        "source": price.source,
        "date": None if price.date is None else price.date.isoformat(),
    }


def model_values(model: Model) -> dict[str, object]:
    """Return one model's facts, absent ones left out, in camelCase."""
    facts = asdict(model)
    return {camel_case(name): _camel(value) for name, value in facts.items() if value is not None}


def _camel(value: object) -> object:
    if isinstance(value, dict):
        return {camel_case(str(name)): _camel(item) for name, item in value.items() if item is not None}
    return value


def gpu_table(found: Sequence[GPU]) -> Table:
    """Return the GPU types, one per line."""
    table = Table(box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    for name in ("GiB", "GB/s", "bf16 TFLOPS", "fp8 TFLOPS", "capability"):
        table.add_column(name, justify="right")
    table.add_column("link")
    table.add_column("USD per GPU-hour")
    table.add_column("price from")
    for gpu in found:
        table.add_row(
            gpu.name,
            f"{gpu.memory_gib:.1f}",
            f"{gpu.memory_bandwidth_gb_per_s:g}",
            _number(gpu.bf16_tflops),
            _number(gpu.fp8_tflops),
            ".".join(map(str, gpu.compute_capability)) if gpu.compute_capability else gpu.architecture or "",
            gpu.interconnect.value,
            ", ".join(f"{price.capacity_type} {rate_text(price.usd_per_gpu_hour)}" for price in gpu.prices),
            "; ".join(dict.fromkeys(f"{price.source} ({price.date or 'no date'})" for price in gpu.prices)),
        )
    return table


def model_table(found: Sequence[Model]) -> Table:
    """Return the models, one per line."""
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True)
    for name in ("parameters", "layers", "heads", "KV heads", "context"):
        table.add_column(name, justify="right")
    table.add_column("quantization")
    table.add_column("kind")
    table.add_column("source")
    for model in found:
        table.add_row(
            model.id,
            "" if model.parameters is None else f"{model.parameters / BILLION:.2f} B",
            str(model.num_hidden_layers),
            str(model.num_attention_heads),
            str(model.num_key_value_heads),
            str(model.max_position_embeddings),
            model.quantization or "",
            _kind(model),
            model.source,
        )
    return table


def _kind(model: Model) -> str:
    """Name what makes a model differ from a dense transformer with full attention."""
    parts = (
        (model.experts is not None, "experts"),
        (model.latent_attention is not None, "latent attention"),
        (model.sliding_window is not None, "sliding window"),
        (model.linear_attention is not None, "linear attention"),
        (model.vision_parameters > 0, "vision"),
        (model.pooling, "pooling"),
    )
    return ", ".join(name for applies, name in parts if applies) or "dense"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
