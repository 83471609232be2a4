"""Which model and weight format a row of the measured cases means.

In: a model id and the `weight_dtype` column. Out: a `Model` whose quantisation is what the row says, or None. Ids
that the catalogue lacks are matched by their base name (without publisher, tuning and format suffixes): fine-tunes
share their shape.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from inferfleet.catalog.models import find_model, models
from inferfleet.domain.model import Model, QuantizationDetail, UnknownModel
from inferfleet.engine.memory import canonical_method

_METHODS = {
    "fp8": "fp8",
    "fp8_block": "fp8",
    "fp4": "nvfp4",
    "nvfp4": "nvfp4",
    "mxfp4": "mxfp4",
    "int8": "int8",
    "w8a8": "int8",
    "awq": "awq",
    "awq-int4": "awq",
    "awq_int4": "awq",
    "gptq": "gptq",
    "gptq-int4": "gptq",
    "int4": "int4",
    "int4_wo": "int4",
    "w4a16": "int4",
    "fp8-dynamic": "fp8",
    "fp8_dynamic": "fp8",
    "int4-awq": "awq",
    "int4-gptq": "gptq",
}
_SIXTEEN_BITS = {"bf16": "bfloat16", "bfloat16": "bfloat16", "fp16": "float16", "float16": "float16"}
# What the column may say, in any case; blank: as the checkpoint is published.
WEIGHT_DTYPES = frozenset({*_METHODS, *_SIXTEEN_BITS, ""})
# Four-bit mixture checkpoints quantise the routed experts alone (Kimi-K2-Thinking config.json).
_EXPERTS_ALONE = QuantizationDetail(
    bits=4, group_size=32, attention_in_16_bits=True, dense_mlp_in_16_bits=True, shared_experts_in_16_bits=True
)
_SUFFIX = re.compile(
    r"[-_.](instruct|chat|it|hf|base|preview|thinking|fp8|fp4|nvfp4|awq|gptq|int4|int8|dynamic|bf16|w4a16|w8a8|quantized"
    r"|block|v0\.[123]|0[0-9]{3}|2[0-9]{3}|mxfp4|bnb|4bit|fp16|kv|marlin|mlperf)$"
)

_SIZE = re.compile(r"(?:^|[-_])(\d+(?:\.\d+)?)b(?:$|[-_])")
_ACTIVE = re.compile(r"a\d+(?:\.\d+)?b|x\d+b|moe")
BILLION = 1e9
LARGEST_SIZE_DIFFERENCE = 0.25


def checkpoint(model_id: str, weight_dtype: str) -> Model | None:
    """Return the model with the weight format that the row states; None for an unknown id or format."""
    found = find_model(model_id)
    model = _relative(model_id) if isinstance(found, UnknownModel) else found
    if model is None:
        return None
    label = weight_dtype.strip().lower()
    if not label:
        return model
    if label in _SIXTEEN_BITS:
        return replace(
            model, quantization=None, quantization_detail=None, weight_bytes=None, dtype=_SIXTEEN_BITS[label]
        )
    method = _METHODS.get(label)
    if method is None:
        return None
    return _stored_as(model, method)


def _stored_as(model: Model, method: str) -> Model:
    if method == "mxfp4" and model.experts is None:
        method = (
            "nvfp4"  # published MXFP4 checkpoints keep all but the experts in 16 bits; a dense model has no experts
        )
    own = canonical_method(model.quantization) if model.quantization is not None else None
    if own == method or (method == "int4" and own in {"compressed-tensors", "awq", "gptq"}):
        return model
    detail = _EXPERTS_ALONE if method == "int4" and model.experts is not None else None
    return replace(model, quantization=method, quantization_detail=detail, weight_bytes=None)


def guessed(model_id: str) -> bool:
    """Whether the shape behind an id is only that of a dense model of about the same size."""
    return isinstance(find_model(model_id), UnknownModel) and base_name(model_id) not in _by_base_name()


def _relative(model_id: str) -> Model | None:
    return _by_base_name().get(base_name(model_id)) or _of_about_the_size(base_name(model_id))


def _of_about_the_size(name: str) -> Model | None:
    """Return the dense model whose size is nearest to the one in the name: dense models of a size decode alike."""
    size = _SIZE.search(name)
    if size is None or not float(size[1]) or _ACTIVE.search(name) is not None:
        return None
    wanted = float(size[1]) * BILLION
    dense = [model for model in models().values() if model.parameters and model.experts is None]
    nearest = min(dense, key=lambda model: (abs((model.parameters or 0) / wanted - 1), model.id))
    return nearest if abs((nearest.parameters or 0) / wanted - 1) <= LARGEST_SIZE_DIFFERENCE else None


@cache
def _by_base_name() -> Mapping[str, Model]:
    named: dict[str, Model] = {}
    for name, model in models().items():
        named.setdefault(base_name(name), model)
    return named


def base_name(model_id: str) -> str:
    """Return the id without publisher, tuning and format suffixes, in lower case: the family and its size."""
    name = model_id.casefold().rsplit("/", 1)[-1].replace("meta-llama-", "llama-")
    while (shorter := _SUFFIX.sub("", name)) != name:
        name = shorter
    return name
