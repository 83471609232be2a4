"""The parameters of vision and audio towers, counted from a config.json.

In: the whole config of a multimodal model. Out: parameters, 0 for text models. Pure. A vision transformer layer has
four square attention matrices and its MLP; the projector into the language model is counted as two square matrices.
"""

from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]

_TOWERS = ("vision_config", "audio_config", "vision_encoder", "audio_encoder")
_DYNAMIC = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen2_5_omni", "qwen3_omni")
_HIDDEN = ("hidden_size", "embed_dim", "width", "d_model")
_LAYERS = ("num_hidden_layers", "depth", "layers", "encoder_layers")
_WIDTH = ("intermediate_size", "encoder_ffn_dim")


def tower_parameters(config: Config) -> int:
    """Return the parameters of all towers beside the language model.

    An explicit `vision_parameters` wins: the built-in data states it where it is known.
    """
    if config.get("vision_parameters") is not None:
        return int(config["vision_parameters"])
    total = sum(_tower(section) for key in _TOWERS if isinstance(section := config.get(key), Mapping))
    nested = config.get("thinker_config")
    return total + (tower_parameters(nested) if isinstance(nested, Mapping) else 0)


def dynamic_resolution(config: Config) -> bool:
    """Return whether images keep their own resolution, so that one may fill the context (the Qwen2-VL design)."""
    vision = config.get("vision_config")
    kind = str(config.get("model_type") or "")
    merges = isinstance(vision, Mapping) and "spatial_merge_size" in vision
    return merges or kind.startswith(_DYNAMIC)


def _tower(section: Config) -> int:
    hidden, layers = _number(section, _HIDDEN), _number(section, _LAYERS)
    if not hidden or not layers:
        return 0
    width = _number(section, _WIDTH) or int(hidden * float(section.get("mlp_ratio") or 4))
    gated = 3 if section.get("hidden_act") == "silu" else 2
    out = _number(section, ("out_hidden_size", "projection_dim")) or hidden
    merge = int(section.get("spatial_merge_size") or 1) ** 2 * hidden
    return layers * (4 * hidden * hidden + gated * hidden * width) + merge * merge + merge * out


def _number(section: Config, names: tuple[str, ...]) -> int | None:
    return next((int(section[name]) for name in names if isinstance(section.get(name), int)), None)
