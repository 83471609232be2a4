"""How many bytes one linear weight takes in GPU memory, by quantisation method.

In: the model's checkpoint format and the engine's on-the-fly quantisation. Out: a `WeightFormat`. Pure.
"""

from dataclasses import dataclass

from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.model import Model, QuantizationDetail

SIXTEEN_BITS = 2.0
THIRTY_TWO_BITS = 4.0
GROUP_SCALE_BITS = 16.0  # by AWQ, GPTQ and compressed-tensors

# What a method means when the checkpoint gives no detail. Sources: the methods' file formats; MXFP4 is the OCP
# microscaling format (32 values share one 8-bit scale), NVFP4 shares an 8-bit scale among 16; bitsandbytes NF4 keeps
# 32 bits per 64 values or 8 when quantised twice, 0.25 bits on average in the logs; vLLM drops GPTQ's zero points.
_USUAL: dict[str, QuantizationDetail] = {
    "fp8": QuantizationDetail(bits=8),
    "int8": QuantizationDetail(bits=8),
    "awq": QuantizationDetail(bits=4, group_size=128, zero_points=True),
    "gptq": QuantizationDetail(bits=4, group_size=128),
    "compressed-tensors": QuantizationDetail(bits=4, group_size=128),
    "int4": QuantizationDetail(bits=4, group_size=128),
    "bitsandbytes": QuantizationDetail(bits=4, scale_bits=0.25),
    "aqlm": QuantizationDetail(bits=2.1),
    "nvfp4": QuantizationDetail(bits=4, scale_bits=0.5),
    "mxfp4": QuantizationDetail(
        bits=4, scale_bits=0.25, attention_in_16_bits=True, dense_mlp_in_16_bits=True, shared_experts_in_16_bits=True
    ),
}
_SAME_AS = {
    "awq_marlin": "awq", "auto-awq": "awq", "gptq_marlin": "gptq", "auto-gptq": "gptq", "auto-round": "gptq",
    "fbgemm_fp8": "fp8", "modelopt": "fp8", "modelopt_fp4": "nvfp4", "modelopt_mixed": "nvfp4", "w8a8": "int8",
    "experts_int8": "int8", "gpt_oss_mxfp4": "mxfp4", "quark": "fp8", "torchao": "int8", "fp8_per_tensor": "fp8",
    "fp8_per_block": "fp8", "mxfp8": "fp8", "int8_per_channel_weight_only": "int8",
}  # fmt: skip


class UnknownFormatError(ValueError):
    """The quantisation method is not one whose size is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFormat:
    """Bytes per weight: `linear` for quantised matrices, `plain` for everything kept in the computation type.

    `scales` is the part of `linear` that scales and zero points take.
    """

    method: str | None
    linear: float
    plain: float
    scales: float = 0.0
    detail: QuantizationDetail | None = None


def canonical_method(name: str) -> str:
    """Return the method whose storage `name` uses; raises UnknownFormatError, naming the accepted ones."""
    method = _SAME_AS.get(name.lower(), name.lower())
    if method not in _USUAL:
        known = ", ".join(sorted({*_USUAL, *_SAME_AS}))
        raise UnknownFormatError(f"quantization {name!r} is not known; accepted: {known}")
    return method


def weight_format(model: Model, engine: EngineSettings) -> WeightFormat:
    """Return how the weights lie in GPU memory.

    The engine's `quantization` only matters for checkpoints that are not quantised themselves: vLLM refuses to
    quantise twice. Raises UnknownFormatError.
    """
    plain = THIRTY_TWO_BITS if engine.dtype == "float32" else SIXTEEN_BITS
    name = model.quantization or engine.quantization
    if name is None:
        return WeightFormat(method=None, linear=plain, plain=plain)
    method = canonical_method(name)
    detail = model.quantization_detail or _USUAL[method]
    scales = _scale_bits(detail) / 8
    return WeightFormat(method=method, linear=detail.bits / 8 + scales, plain=plain, scales=scales, detail=detail)


def usual_detail(method: str | None) -> QuantizationDetail | None:
    """Return how a method stores weights when the checkpoint gives no detail; None without or with an unknown one."""
    return None if method is None else _USUAL.get(_SAME_AS.get(method.lower(), method.lower()))


def _scale_bits(detail: QuantizationDetail) -> float:
    """Return the bits that scale and zero point add to each weight."""
    if not detail.group_size:
        return detail.scale_bits
    return detail.scale_bits + (GROUP_SCALE_BITS + (detail.bits if detail.zero_points else 0.0)) / detail.group_size
