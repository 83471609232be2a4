"""The attention that a config.json states: MLA, sliding windows, linear attention, rotary tables.

In: the text section of a config. Out: the parts of a `Model`. Pure.
"""

from collections.abc import Mapping
from typing import Any

from inferfleet.domain.model import LatentAttention, LinearAttention, SlidingWindow

Config = Mapping[str, Any]

# Full attention every n-th layer where the config leaves it to the model's code (transformers' defaults).
_PATTERN = {"gemma2": 2, "gemma3": 6, "gemma3_text": 6, "gemma4": 6, "gemma4_text": 6, "cohere2": 4, "gpt_oss": 2}
_SLIDING = frozenset({"sliding_attention", "local_attention", "sliding"})
_LINEAR = frozenset({"linear_attention", "mamba", "mamba2", "conv", "recurrent"})
_STRETCHED = frozenset({"linear", "dynamic", "yarn", "deepseek_yarn"})


def read_latent(text: Config) -> LatentAttention | None:
    """Return multi-head latent attention when the config has `kv_lora_rank`."""
    rank = text.get("kv_lora_rank")
    if not rank:
        return None
    query = text.get("q_lora_rank")
    return LatentAttention(
        kv_lora_rank=int(rank),
        qk_rope_head_dim=int(text.get("qk_rope_head_dim") or 64),
        qk_nope_head_dim=int(text.get("qk_nope_head_dim") or 128),
        v_head_dim=int(text.get("v_head_dim") or 128),
        q_lora_rank=int(query) if query else None,
        index_head_dim=text.get("index_head_dim"),
        index_num_heads=text.get("index_n_heads"),
    )


def read_window(text: Config, kind: str, layers: int) -> SlidingWindow | None:
    """Return the sliding-window layers; None when all layers see everything.

    Explicit layer types win; `use_sliding_window: false` (Qwen2) switches the window off; otherwise the family's
    pattern, and without one every layer slides (Mistral 7B).
    """
    window = text.get("sliding_window")
    if not window or text.get("use_sliding_window") is False:
        return None
    count = _sliding_layers(text, kind, layers)
    if count <= 0:
        return None
    return SlidingWindow(
        window=int(window),
        num_layers=min(count, layers),
        global_head_dim=text.get("global_head_dim"),
        global_num_key_value_heads=text.get("num_global_key_value_heads"),
    )


def _sliding_layers(text: Config, kind: str, layers: int) -> int:
    if text.get("num_sliding_layers") is not None:
        return int(text["num_sliding_layers"])
    if types := _layer_types(text):
        return sum(kind_of in _SLIDING for kind_of in types)
    pattern = text.get("sliding_window_pattern") or text.get("_sliding_window_pattern") or _PATTERN.get(kind)
    if isinstance(pattern, int) and pattern > 1:
        return layers - layers // pattern
    if text.get("use_sliding_window") and text.get("max_window_layers") is not None:
        return max(0, layers - int(text["max_window_layers"]))
    return layers


def _layer_types(text: Config) -> list[str]:
    types = text.get("layer_types") or text.get("layers_block_type")
    return [str(entry) for entry in types] if isinstance(types, list) else []


def read_linear(text: Config, kind: str, layers: int) -> LinearAttention | None:
    """Return linear attention or state-space layers: one layer in `full_attention_interval` has a growing cache."""
    types = _layer_types(text)
    linear = sum(entry in _LINEAR for entry in types)
    interval = text.get("full_attention_interval")
    if interval is None and linear:
        interval = max(1, round(layers / max(1, layers - linear)))
    if interval is None and kind == "jamba":
        interval = text.get("attn_layer_period")
    if interval is None or int(interval) <= 1:
        return None
    return LinearAttention(
        full_attention_interval=int(interval),
        num_key_heads=int(text.get("linear_num_key_heads") or 0),
        num_value_heads=int(text.get("linear_num_value_heads") or 0),
        key_head_dim=int(text.get("linear_key_head_dim") or 0),
        value_head_dim=int(text.get("linear_value_head_dim") or 0),
        convolution_kernel=int(text.get("linear_conv_kernel_dim") or 4),
    )


def read_rope_positions(text: Config, positions: int) -> int | None:
    """Return the rows of the rotary table when scaling stretches it beyond `max_position_embeddings`.

    Source: vLLM model_executor/layers/rotary_embedding: linear and dynamic scaling multiply the positions, YaRN
    multiplies the original length; llama3 and mrope leave them. Per-layer-type parameters (transformers 5) count their
    full layers.
    """
    scaling = text.get("rope_scaling") or text.get("rope_parameters")
    if not isinstance(scaling, Mapping):
        return None
    if isinstance(nested := scaling.get("full_attention"), Mapping):
        scaling = nested
    kind = scaling.get("rope_type") or scaling.get("type")
    factor = scaling.get("factor")
    if kind not in _STRETCHED or not isinstance(factor, int | float):
        return None
    original = scaling.get("original_max_position_embeddings") if "yarn" in str(kind) else positions
    stretched = int((original or positions) * factor)
    return stretched if stretched > positions else None
