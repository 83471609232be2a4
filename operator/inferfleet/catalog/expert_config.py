"""The mixture of experts that a config.json states, in the spelling of each family.

In: the text section of a config. Out: `Experts` or None. Pure.
"""

from collections.abc import Mapping
from typing import Any

from inferfleet.domain.model import Experts

Config = Mapping[str, Any]

_COUNT = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
_ACTIVE = ("num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_k", "moe_topk", "top_k_experts", "top_k")
_WIDTH = ("moe_intermediate_size", "expert_intermediate_size", "ffn_hidden_size", "intermediate_size")
_SHARED = ("n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts")
_SHARED_WIDTH = ("shared_expert_intermediate_size", "shared_intermediate_size", "moe_shared_expert_intermediate_size")


def read_experts(text: Config, kind: str, layers: int) -> Experts | None:
    """Return the mixture, None for a dense model."""
    nested = text.get("ffn_config")
    section: Config = {**nested, **text} if isinstance(nested, Mapping) else text
    count = _number(section, _COUNT)
    if not count or count < 2:
        return None
    llama4 = kind.startswith("llama4")
    shared = _number(section, _SHARED)
    return Experts(
        num_experts=count,
        num_experts_per_token=_number(section, _ACTIVE) or 1,
        intermediate_size=_number(section, _WIDTH) or 0,
        num_shared_experts=shared if shared is not None else int(llama4),
        shared_expert_intermediate_size=_number(section, _SHARED_WIDTH),
        first_dense_layers=_dense_layers(section, layers),
        dense_mlp_in_every_layer=kind.startswith("gemma4"),
    )


def _dense_layers(section: Config, layers: int) -> int:
    """Count the layers without experts, wherever they stand."""
    if section.get("first_k_dense_replace") is not None:
        return min(layers, int(section["first_k_dense_replace"]))
    step = section.get("decoder_sparse_step") or section.get("interleave_moe_layer_step") or 1
    sparse = layers // int(step)
    only_dense = section.get("mlp_only_layers")
    if isinstance(only_dense, list):
        return min(layers, layers - sparse + len(only_dense))
    if section.get("moe_layer_start_index") is not None:
        return int(section["moe_layer_start_index"])
    return layers - sparse


def _number(section: Config, names: tuple[str, ...]) -> int | None:
    for name in names:
        value = section.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        if value is not None and not isinstance(value, bool):
            return int(value)
    return None
