"""The facts of a model, from a Hugging Face config.json.

In: the parsed mapping of any text or multimodal model. Out: a `Model`, or an `UnknownModel` that says what is missing.
Pure; the hub is asked elsewhere. The names are those that transformers' configuration classes use.
"""

from collections.abc import Mapping
from typing import Any

from inferfleet.catalog.attention_config import read_latent, read_linear, read_rope_positions, read_window
from inferfleet.catalog.expert_config import read_experts
from inferfleet.catalog.quantization_config import read_quantization
from inferfleet.catalog.tower_config import dynamic_resolution, tower_parameters
from inferfleet.domain.model import Model, UnknownModel

Config = Mapping[str, Any]

_HIDDEN = ("hidden_size", "n_embd", "d_model", "dim", "model_dim")
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers")
_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_VOCABULARY = ("padded_vocab_size", "vocab_size")
_POSITIONS = (
    "max_position_embeddings", "n_positions", "seq_length", "max_seq_len", "max_sequence_length", "n_ctx",
    "model_max_length",
)  # fmt: skip
_WIDTH = ("intermediate_size_mlp", "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "d_ff", "ffn_size")
_NESTED = ("text_config", "llm_config", "language_config", "thinker_config", "text_model_config")
# Model types whose MLP has no gate (two matrices), and types that tie the embedding unless told otherwise.
_UNGATED = frozenset({
    "gpt2", "gpt_neox", "gptj", "opt", "bloom", "falcon", "phi", "mpt", "gpt_bigcode", "starcoder2", "nemotron",
    "codegen", "bert", "roberta", "xlm-roberta", "gpt_neo",
})  # fmt: skip
_TIED = frozenset({
    "gemma", "gemma2", "gemma3", "gemma3_text", "gemma3n", "gemma4", "gemma4_text", "gpt2", "gpt_neo", "bloom",
    "falcon", "opt", "mpt", "starcoder2", "gpt_bigcode", "cohere", "cohere2", "bert", "roberta", "xlm-roberta",
})  # fmt: skip
_QUADRUPLE_WIDTH = frozenset({"gpt2", "bloom", "falcon", "gptj", "mpt", "codegen", "gpt_neo"})
_HALF_WIDTH = frozenset({"qwen"})  # the first Qwen counts both halves of the gated MLP in intermediate_size
_UNSUPPORTED = {
    "t5": "encoder-decoder", "bart": "encoder-decoder", "whisper": "encoder-decoder", "mbart": "encoder-decoder",
    "mamba": "a pure state-space model", "mamba2": "a pure state-space model", "rwkv": "a recurrent model",
    "falcon_mamba": "a pure state-space model",
}  # fmt: skip
_STATE_SPACE = frozenset({
    "jamba", "bamba", "nemotron_h", "falcon_h1", "zamba", "zamba2", "granitemoehybrid", "lfm2", "kimi_linear",
    "minimax_text_01", "plamo2",
})  # fmt: skip
_POOLING_TYPES = frozenset({"bert", "roberta", "xlm-roberta", "modernbert", "nomic_bert"})


class _MissingError(Exception):
    """A fact without which memory cannot be computed is not in the config."""


def from_config(
    model_id: str,
    config: Config,
    *,
    weight_bytes: int | None = None,
    parameters: int | None = None,
    source: str = "",
) -> Model | UnknownModel:
    """Return the facts that a config.json states, with the size and parameter count known from elsewhere.

    `config` is the parsed JSON, multimodal ones with their text part nested. Never raises for odd contents: what cannot
    be understood becomes an `UnknownModel` whose message names the field.
    """
    try:
        return _read(model_id, config, weight_bytes=weight_bytes, parameters=parameters, source=source)
    except _MissingError as error:
        return UnknownModel(id=model_id, message=str(error))
    except (TypeError, ValueError, AttributeError) as error:
        return UnknownModel(id=model_id, message=f"config.json of {model_id} is not understood: {error}")


def text_part(config: Config) -> Config:
    """Return the section that describes the language model, however deep it is nested."""
    for key in _NESTED:
        nested = config.get(key)
        if isinstance(nested, Mapping) and (_find(nested, _HIDDEN) is not None or any(k in nested for k in _NESTED)):
            return text_part(nested)
    return config


def _read(model_id: str, config: Config, *, weight_bytes: int | None, parameters: int | None, source: str) -> Model:
    text = text_part(config)
    kind = str(text.get("model_type") or config.get("model_type") or "")
    _refuse_unmodelled(model_id, kind, weight_bytes)
    layers, heads = _need(model_id, text, _LAYERS), _need(model_id, text, _HEADS)
    hidden = _need(model_id, text, _HIDDEN)
    latent = read_latent(text)
    key_value_heads = heads if latent else _key_value_heads(text, heads)
    head_dim = text.get("head_dim") or text.get("attention_head_dim") or text.get("kv_channels") or hidden // heads
    method, detail = read_quantization(text if "quantization_config" in text else config)
    experts = read_experts(text, kind, layers)
    model = Model(
        id=model_id,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_value_heads,
        head_dim=int(head_dim),
        intermediate_size=_width(model_id, text, kind, hidden, has_experts=experts is not None),
        vocab_size=_need(model_id, text, _VOCABULARY),
        max_position_embeddings=_positions(text, config),
        tie_word_embeddings=_tied(text, config, kind),
        dtype=_dtype(text, config),
        quantization=method,
        quantization_detail=detail,
        attention_output_gate=bool(text.get("attn_output_gate")) or kind == "qwen3_next",
        attention_key_is_value=bool(text.get("attention_k_eq_v")),
        mlp_matrices=int(text.get("mlp_matrices") or (2 if kind in _UNGATED else 3)),
        experts=experts,
        latent_attention=latent,
        sliding_window=read_window(text, kind, layers),
        linear_attention=read_linear(text, kind, layers),
        vision_parameters=tower_parameters(config),
        vision_dynamic_resolution=dynamic_resolution(config),
        parameters=parameters,
        weight_bytes=weight_bytes,
        num_kv_shared_layers=int(text.get("num_kv_shared_layers") or 0),
        rope_positions=read_rope_positions(text, _positions(text, config)),
        cross_attention_layers=_cross_layers(text),
        pooling=_pooling(config, kind),
        source=source,
    )
    return _checked(model)


def _refuse_unmodelled(model_id: str, kind: str, weight_bytes: int | None) -> None:
    if kind in _UNSUPPORTED:
        raise _MissingError(f"{model_id} is {_UNSUPPORTED[kind]} ({kind}); its memory is not modelled")
    if kind in _STATE_SPACE and weight_bytes is None:
        raise _MissingError(f"{model_id} is a hybrid ({kind}); without the size of its weights it cannot be judged")


def _checked(model: Model) -> Model:
    for name in ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
                 "vocab_size", "max_position_embeddings"):  # fmt: skip
        if getattr(model, name) < 1:
            raise _MissingError(f"config.json of {model.id}: {name} is {getattr(model, name)}; accepted: 1 and more")
    return model


def _find(config: Config, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON values are of any type
    return next((config[name] for name in names if config.get(name) is not None), None)


def _need(model_id: str, config: Config, names: tuple[str, ...]) -> int:
    value = _find(config, names)
    if value is None or isinstance(value, bool) or int(value) < 1:
        raise _MissingError(f"config.json of {model_id} has no usable {names[0]}: {value!r}")
    return int(value)


def _key_value_heads(text: Config, heads: int) -> int:
    attention = text.get("attn_config")
    nested = attention.get("kv_n_heads") if isinstance(attention, Mapping) else None
    value = _find(text, ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num")) or nested
    if text.get("multi_query") and not text.get("new_decoder_architecture") and value in {None, heads}:
        return 1
    return int(value) if value is not None else heads


def _width(model_id: str, text: Config, kind: str, hidden: int, *, has_experts: bool) -> int:
    value = _find(text, _WIDTH)
    if isinstance(value, list):
        value = max(value)
    if value is None:
        if kind in _QUADRUPLE_WIDTH:
            return 4 * hidden
        if has_experts:
            return 0
        raise _MissingError(f"config.json of {model_id} has no usable intermediate_size")
    return int(value) // 2 if kind in _HALF_WIDTH else int(value)


def _positions(text: Config, config: Config) -> int:
    value = _find(text, _POSITIONS) or _find(config, _POSITIONS)
    return int(value) if value is not None else 2048  # transformers' oldest default; never longer than the model


def _tied(text: Config, config: Config, kind: str) -> bool:
    for section in (text, config):
        if section.get("tie_word_embeddings") is not None:
            return bool(section["tie_word_embeddings"])
    return kind in _TIED


def _dtype(text: Config, config: Config) -> str:
    value = _find(text, ("torch_dtype", "dtype")) or _find(config, ("torch_dtype", "dtype")) or "bfloat16"
    return str(value).removeprefix("torch.")


def _pooling(config: Config, kind: str) -> bool:
    names = [str(name) for name in config.get("architectures") or ()]
    suffixes = ("ForSequenceClassification", "ForRewardModel", "ForTokenClassification", "EmbeddingModel")
    return kind in _POOLING_TYPES or any(name.endswith(suffixes) for name in names)


def _cross_layers(text: Config) -> int:
    value = text.get("cross_attention_layers") or 0
    return len(value) if isinstance(value, list) else int(value)
