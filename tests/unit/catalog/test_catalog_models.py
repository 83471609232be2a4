"""The built-in models: complete, sourced, unambiguous."""

from dataclasses import replace

import pytest

from inferfleet.catalog.gpus import CatalogError
from inferfleet.catalog.models import find_model, models, read_models
from inferfleet.domain.model import Model, UnknownModel
from inferfleet.engine.memory import checkpoint_bytes

LLAMA = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "intermediate_size": 14336,
    "vocab_size": 32000,
}
ENTRY = {"id": "a/b", "source": "a paper", "date": "2026-11-23", "config": LLAMA}
# GLM-4.5-Air publishes its size with a multi-token-prediction layer that serving does not load.
APPROXIMATE = 0.035


def test_every_model_states_its_source() -> None:
    assert all(model.source for model in models().values())


@pytest.mark.parametrize("name", sorted(name for name, model in models().items() if model.parameters is not None))
def test_shapes_agree_with_the_stated_parameter_count(name: str) -> None:
    model = models()[name]
    plain = replace(model, quantization=None, quantization_detail=None, dtype="bfloat16")
    assert checkpoint_bytes(plain) / 2 == pytest.approx(model.parameters, rel=APPROXIMATE)


def test_names_are_found_without_regard_to_case() -> None:
    found = find_model("META-LLAMA/llama-3.1-8b-INSTRUCT")
    assert isinstance(found, Model)
    assert found.id == "meta-llama/Llama-3.1-8B-Instruct"


def test_an_unknown_model_says_what_to_do() -> None:
    found = find_model("nobody/nothing")
    assert isinstance(found, UnknownModel)
    assert "ModelProfile" in found.message


def test_names_that_differ_in_case_alone_are_refused() -> None:
    with pytest.raises(CatalogError, match="occurs twice"):
        read_models({"models": [ENTRY, {**ENTRY, "id": "A/B"}]})


@pytest.mark.parametrize("field", ["source", "date"])
def test_an_entry_without_provenance_is_refused(field: str) -> None:
    with pytest.raises(CatalogError, match="source or date"):
        read_models({"models": [{key: value for key, value in ENTRY.items() if key != field}]})


def test_an_entry_that_is_no_model_is_refused() -> None:
    with pytest.raises(CatalogError, match="num_hidden_layers"):
        read_models({"models": [{**ENTRY, "config": {}}]})
