"""The built-in models, read once from packaged data.

In: `data/models.yaml` and `data/models_throughput.yaml`, entries in the form of Hugging Face config.json with source
and date. Out: `Model` by id. It must not do I/O beyond reading the package, and refuses data that contradicts itself.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from inferfleet.catalog.gpus import CatalogError
from inferfleet.catalog.model_config import from_config
from inferfleet.catalog.packaged import read_packaged
from inferfleet.domain.model import Model, UnknownModel

_FILES = ("models.yaml", "models_throughput.yaml")


@cache
def models() -> Mapping[str, Model]:
    """Return all built-in models by id, in the order of the file; raises `CatalogError` for contradicting data."""
    documents = [read_packaged(name) for name in _FILES]
    return read_models({"models": [entry for document in documents for entry in document["models"]]})


def find_model(model_id: str) -> Model | UnknownModel:
    """Return the built-in model with this id, compared exactly but without regard to case."""
    model = _by_lower_id().get(model_id.casefold())
    if model is None:
        return UnknownModel(
            id=model_id, message=f"model {model_id} is not in the built-in catalogue; a ModelProfile can describe it"
        )
    return model


def read_models(document: Mapping[str, Any]) -> Mapping[str, Model]:
    """Turn the parsed data file into models by id; raises `CatalogError` naming the entry and what is wrong with it."""
    found: dict[str, Model] = {}
    seen: set[str] = set()
    for entry in document["models"]:
        name = str(entry["id"])
        if name.casefold() in seen:
            raise CatalogError(f"model {name} occurs twice")
        if not entry.get("source") or not entry.get("date"):
            raise CatalogError(f"model {name} has no source or date")
        seen.add(name.casefold())
        model = from_config(
            name, entry["config"], parameters=entry.get("parameters"), source=f"{entry['source']} ({entry['date']})"
        )
        if isinstance(model, UnknownModel):
            raise CatalogError(f"model {name}: {model.message}")
        found[name] = model
    return MappingProxyType(found)


@cache
def _by_lower_id() -> Mapping[str, Model]:
    return MappingProxyType({name.casefold(): model for name, model in models().items()})
