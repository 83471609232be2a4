"""The models of the measured throughput cases: their shapes add up to the published sizes."""

from importlib.resources import files
from typing import Any

import pytest
import yaml

from inferfleet.domain.engine import EngineSettings
from inferfleet.engine.memory import weight_format
from inferfleet.engine.throughput import footprint
from tests.speed_builders import engine, model

# GLM-4.5-Air publishes its size with a multi-token-prediction layer that serving does not load.
WIDEST_DIFFERENCE = 0.035


def _entries() -> list[dict[str, Any]]:
    text = files("inferfleet.catalog").joinpath("data/models_throughput.yaml").read_text("utf-8")
    entries: list[dict[str, Any]] = yaml.safe_load(text)["models"]
    return entries


@pytest.mark.parametrize("entry", _entries(), ids=lambda entry: str(entry["id"]))
def test_the_shape_adds_up_to_the_published_size(entry: dict[str, Any]) -> None:
    described = model(entry["id"], quantization=None, quantization_detail=None)
    settings: EngineSettings = engine()
    costs = footprint(described, settings, weight_format(described, settings))
    embedding = 0 if described.tie_word_embeddings else described.vocab_size * described.hidden_size
    total = (costs.fixed_bytes + costs.expert_bytes) / 2 + embedding + described.vision_parameters
    assert total == pytest.approx(entry["parameters"], rel=WIDEST_DIFFERENCE)


def test_every_entry_says_where_its_shape_comes_from() -> None:
    assert all("general knowledge of the public config.json" in entry["source"] for entry in _entries())
