"""What a config.json says becomes the facts of a model, whatever the family's spelling."""

import json
from pathlib import Path
from typing import Any

import pytest

from inferfleet.catalog.model_config import from_config, text_part
from inferfleet.domain.model import Model, UnknownModel
from inferfleet.engine.memory import checkpoint_bytes

# Facts of published config.json files, as far as the reader looks at them, and the published count in billions.
_ENTRIES = json.loads((Path(__file__).parent / "published_configs.json").read_text(encoding="utf-8"))
PUBLISHED: list[tuple[str, float]] = [(entry["id"], entry["billions"]) for entry in _ENTRIES]
CONFIGS: dict[str, dict[str, Any]] = {entry["id"]: entry["config"] for entry in _ENTRIES}
LLAMA = CONFIGS["meta-llama/Llama-3.1-8B"]


def read(config: dict[str, Any], **known: Any) -> Model:
    model = from_config("some/model", config, **known)
    assert isinstance(model, Model), model
    return model


def refused(config: dict[str, Any]) -> str:
    model = from_config("some/model", config)
    assert isinstance(model, UnknownModel)
    return model.message


@pytest.mark.parametrize(("name", "billions"), PUBLISHED)
def test_shapes_give_the_published_parameter_count(name: str, billions: float) -> None:
    implied = checkpoint_bytes(read(CONFIGS[name])) / 2 / 1e9
    assert implied == pytest.approx(billions, rel=0.01)


def test_qwen2_with_its_window_switched_off_has_none() -> None:
    assert read(CONFIGS["Qwen/Qwen2.5-7B"]).sliding_window is None


def test_gemma2_slides_every_other_layer_without_saying_so() -> None:
    window = read(CONFIGS["google/gemma-2-9b"]).sliding_window
    assert window is not None
    assert (window.window, window.num_layers) == (4096, 21)


def test_layer_types_win_over_the_family_pattern() -> None:
    types = ["sliding_attention", "full_attention"] * 6
    config = {**LLAMA, "model_type": "gpt_oss", "num_hidden_layers": 12, "sliding_window": 128, "layer_types": types}
    window = read(config).sliding_window
    assert window is not None
    assert window.num_layers == 6


def test_a_window_without_a_pattern_covers_every_layer() -> None:
    window = read({**LLAMA, "model_type": "mistral", "sliding_window": 4096}).sliding_window
    assert window is not None
    assert window.num_layers == 32


def test_gemma3_nests_its_text_part_and_stretches_the_rotary_table_eightfold() -> None:
    model = read(
        {
            "model_type": "gemma3",
            "text_config": {
                "model_type": "gemma3_text", "hidden_size": 5376, "intermediate_size": 21504, "num_hidden_layers": 62,
                "num_attention_heads": 32, "num_key_value_heads": 16, "head_dim": 128, "vocab_size": 262208,
                "max_position_embeddings": 131072, "sliding_window": 1024,
                "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
            },
            "vision_config": {
                "hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "model_type": "siglip",
            },
        }
    )  # fmt: skip
    assert model.sliding_window is not None
    assert model.sliding_window.num_layers == 52
    assert model.rope_positions == 8 * 131072
    assert model.tie_word_embeddings
    assert model.vision_parameters == pytest.approx(417e6, rel=0.02)
    assert not model.vision_dynamic_resolution


def test_qwen_vl_images_keep_their_resolution() -> None:
    vision = {
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "depth": 32,
        "spatial_merge_size": 2,
        "hidden_act": "silu",
        "out_hidden_size": 3584,
    }
    model = read({**CONFIGS["Qwen/Qwen2.5-7B"], "model_type": "qwen2_5_vl", "vision_config": vision})
    assert model.vision_dynamic_resolution
    assert model.vision_parameters == pytest.approx(676e6, rel=0.03)


def test_mla_is_read_with_and_without_a_query_rank() -> None:
    lite = read(CONFIGS["deepseek-ai/DeepSeek-V2-Lite"]).latent_attention
    large = read(CONFIGS["deepseek-ai/DeepSeek-V3"]).latent_attention
    assert lite is not None
    assert large is not None
    assert (lite.q_lora_rank, large.q_lora_rank) == (None, 1536)


def test_yarn_that_ends_at_the_models_own_length_stretches_nothing() -> None:
    assert read(CONFIGS["deepseek-ai/DeepSeek-V2-Lite"]).rope_positions is None


def test_dense_layers_between_experts_are_counted_wherever_they_stand() -> None:
    maverick = read(CONFIGS["meta-llama/Llama-4-Maverick-17B-128E, text part"])
    assert maverick.experts is not None
    assert (maverick.experts.first_dense_layers, maverick.experts.num_shared_experts) == (24, 1)


def test_a_hybrid_names_its_interval() -> None:
    hybrid = read(CONFIGS["Qwen/Qwen3-Next-80B-A3B"])
    assert hybrid.linear_attention is not None
    assert hybrid.linear_attention.full_attention_interval == 4
    assert hybrid.attention_output_gate


def test_linear_layer_types_give_the_interval_too() -> None:
    types = (["linear_attention"] * 3 + ["full_attention"]) * 8
    hybrid = read({**LLAMA, "layer_types": types}).linear_attention
    assert hybrid is not None
    assert hybrid.full_attention_interval == 4


@pytest.mark.parametrize(
    ("section", "method", "bits"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}, "awq", 4),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, "gptq", 8),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8", 8),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4", 4),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, "fp8", 8),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {
            "num_bits": 4, "type": "int", "group_size": 32, "symmetric": True}}}}, "compressed-tensors", 4),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": {"weights": {
            "num_bits": 8, "type": "float"}}}}, "fp8", 8),
    ],
)  # fmt: skip
def test_quantised_checkpoints_state_method_and_bits(section: dict[str, Any], method: str, bits: float) -> None:
    model = read({**LLAMA, "quantization_config": section})
    assert model.quantization_detail is not None
    assert (model.quantization, model.quantization_detail.bits) == (method, bits)


def test_modules_left_in_16_bits_are_recognised_by_part_and_by_layer() -> None:
    skipped = [
        "lm_head",
        "model.layers.0",
        "model.layers.125",
        *(f"model.layers.{i}.self_attn.q_proj" for i in range(20)),
    ]
    model = read({**LLAMA, "quantization_config": {"quant_method": "fbgemm_fp8", "modules_to_not_convert": skipped}})
    assert model.quantization_detail is not None
    assert model.quantization_detail.attention_in_16_bits
    assert model.quantization_detail.layers_in_16_bits == 2
    assert not model.quantization_detail.dense_mlp_in_16_bits


def test_kimi_k2_quantises_its_routed_experts_alone() -> None:
    section = {
        "quant_method": "compressed-tensors",
        "ignore": ["lm_head", "re:.*self_attn.*", "re:.*shared_experts.*", "re:.*mlp\\.(gate|up|gate_up|down)_proj.*"],
        "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int", "group_size": 32, "symmetric": True}}},
    }
    detail = read({**CONFIGS["deepseek-ai/DeepSeek-V3"], "quantization_config": section}).quantization_detail
    assert detail is not None
    assert detail.attention_in_16_bits
    assert detail.dense_mlp_in_16_bits
    assert detail.shared_experts_in_16_bits
    assert detail.group_size == 32


def test_a_visual_tower_left_in_16_bits_does_not_count_as_attention() -> None:
    section = {"quant_method": "awq", "bits": 4, "modules_to_not_convert": ["visual", "visual.blocks.0.attn.qkv"]}
    detail = read({**LLAMA, "quantization_config": section}).quantization_detail
    assert detail is not None
    assert not detail.attention_in_16_bits


def test_size_and_count_from_the_hub_are_kept() -> None:
    model = read(LLAMA, weight_bytes=16_060_522_496, parameters=8_030_261_248)
    assert (model.weight_bytes, model.parameters) == (16_060_522_496, 8_030_261_248)


def test_a_classifier_pools() -> None:
    assert read({**LLAMA, "architectures": ["LlamaForSequenceClassification"]}).pooling


@pytest.mark.parametrize(
    "missing", ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "intermediate_size"]
)
def test_a_missing_fact_is_named(missing: str) -> None:
    assert missing in refused({key: value for key, value in LLAMA.items() if key != missing})


@pytest.mark.parametrize("value", [0, -1, "many", None, True])
def test_an_impossible_width_is_refused(value: object) -> None:
    assert "hidden_size" in refused({**LLAMA, "hidden_size": value}) or "not understood" in refused(
        {**LLAMA, "hidden_size": value}
    )


@pytest.mark.parametrize("kind", ["t5", "whisper", "mamba", "rwkv"])
def test_models_that_are_no_decoders_with_a_cache_are_unknown(kind: str) -> None:
    assert kind in refused({**LLAMA, "model_type": kind})


def test_a_state_space_hybrid_needs_the_size_of_its_weights() -> None:
    config = {**LLAMA, "model_type": "bamba", "layer_types": ["mamba"] * 28 + ["full_attention"] * 4}
    assert "size of its weights" in refused(config)
    assert read(config, weight_bytes=16_000_000_000).linear_attention is not None


@pytest.mark.parametrize("config", [{}, {"hidden_size": {}}, {"text_config": []}, {"rope_scaling": 3}])
def test_nonsense_is_unknown_and_never_raises(config: dict[str, Any]) -> None:
    assert isinstance(from_config("some/model", config), UnknownModel)


def test_the_text_part_is_found_two_levels_down() -> None:
    assert text_part({"thinker_config": {"text_config": LLAMA}}) == LLAMA
