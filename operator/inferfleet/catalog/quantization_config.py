"""The `quantization_config` of a Hugging Face config.json: the method, and how the weights are stored.

In: the parsed mapping. Out: the method's name and a `QuantizationDetail`. Pure. Sources: the documented fields of AWQ,
GPTQ, bitsandbytes, FP8 (transformers), compressed-tensors, ModelOpt and MXFP4 checkpoints.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from inferfleet.domain.model import QuantizationDetail


def read_quantization(config: Mapping[str, Any]) -> tuple[str | None, QuantizationDetail | None]:
    """Return (method, detail); (None, None) for a checkpoint that is not quantised."""
    section = config.get("quantization_config") or config.get("compression_config")
    if not isinstance(section, Mapping):
        return None, None
    method = str(section.get("quant_method") or section.get("quant_algo") or "").lower()
    skipped = _names(section)
    if method in {"compressed-tensors", "compressed_tensors"}:
        return _compressed_tensors(section, skipped)
    if method.startswith("modelopt") or "quant_algo" in section:
        algorithm = str(section.get("quant_algo", "")).upper()
        return ("nvfp4", _nvfp4(skipped)) if "FP4" in algorithm else ("fp8", _detail(8.0, skipped))
    if method == "bitsandbytes":
        return method, _detail(8.0, skipped) if section.get("load_in_8bit") else None
    if method == "mxfp4":
        return "mxfp4", None
    if method in {"awq", "gptq", "awq_marlin", "gptq_marlin", "auto-round", "intel/auto-round"}:
        bits = float(section.get("bits") or section.get("w_bit") or 4)
        group = int(section.get("group_size") or section.get("q_group_size") or 128)
        name = "awq" if method.startswith("awq") else "gptq"
        points = name == "awq" and bool(section.get("zero_point", True))
        return name, _detail(bits, skipped, group_size=group if group > 0 else None, zero_points=points)
    if method in {"fp8", "fbgemm_fp8"}:
        block = section.get("weight_block_size")
        size = max(block) if isinstance(block, list) and block else None
        return "fp8", replace(_detail(8.0, skipped), block_size=size)
    return (method or None), None


def _names(section: Mapping[str, Any]) -> tuple[str, ...]:
    found: list[str] = []
    for key in ("modules_to_not_convert", "ignore", "ignored_layers", "exclude_modules", "llm_int8_skip_modules"):
        value = section.get(key)
        if isinstance(value, Iterable) and not isinstance(value, str):
            found.extend(str(name) for name in value)
    return tuple(found)


def _compressed_tensors(
    section: Mapping[str, Any], skipped: tuple[str, ...]
) -> tuple[str | None, QuantizationDetail | None]:
    groups = section.get("config_groups")
    first: Any = next(iter(groups.values()), {}) if isinstance(groups, Mapping) else {}
    weights = first.get("weights") if isinstance(first, Mapping) else None
    if not isinstance(weights, Mapping):
        return "compressed-tensors", None
    bits = float(weights.get("num_bits") or 8)
    group = weights.get("group_size")
    grouped = int(group) if isinstance(group, int) and group > 0 else None
    if weights.get("type") == "float" and bits == 4:
        return "nvfp4", _nvfp4(skipped)
    if bits == 8 and weights.get("type") == "float":
        return "fp8", _detail(8.0, skipped)
    points = weights.get("symmetric") is False
    return "compressed-tensors", _detail(bits, skipped, group_size=grouped, zero_points=points)


def _nvfp4(skipped: tuple[str, ...]) -> QuantizationDetail:
    return replace(_detail(4.0, skipped), scale_bits=0.5)  # 16 values share one 8-bit scale


def _detail(
    bits: float, skipped: tuple[str, ...], *, group_size: int | None = None, zero_points: bool = False
) -> QuantizationDetail:
    """Turn the list of modules kept in 16 bits into the parts of a model that are."""
    whole = {layer for name in skipped if (layer := _whole_layer(name)) is not None}
    parts = [name for name in skipped if _whole_layer(name) is None]
    return QuantizationDetail(
        bits=bits,
        group_size=group_size,
        zero_points=zero_points,
        attention_in_16_bits=_generic_or_many(parts, "attn"),
        dense_mlp_in_16_bits=any("mlp" in name and "_proj" in name and "expert" not in name for name in parts),
        shared_experts_in_16_bits=any("shared_expert" in name and not name.endswith("gate") for name in parts),
        layers_in_16_bits=len(whole),
    )


_MANY_LAYERS = 8


def _generic_or_many(names: list[str], part: str) -> bool:
    """Whether this part is kept in 16 bits in all layers: by a pattern, or by naming it layer after layer."""
    hits = [name for name in names if part in name and "vision" not in name and "visual" not in name]
    layers = {match[1] for name in hits if (match := re.search(r"layers\.(\d+)\.", name))}
    return any(not re.search(r"layers\.\d+\.", name) for name in hits) or len(layers) >= _MANY_LAYERS


def _whole_layer(name: str) -> int | None:
    """Return the layer number when the name skips a whole layer, as in `model.layers.0` or its MLP and attention."""
    match = re.fullmatch(r"(?:re:)?\^?(?:model\.)?(?:language_model\.)?(?:model\.)?layers\.(\d+)(?:\.\*|\.)?\$?", name)
    return int(match[1]) if match else None
