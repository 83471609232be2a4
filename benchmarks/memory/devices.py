"""The devices that the cases name: usable memory where the log did not print it, and the link between GPUs.

In: the device's name as written in a case. Out: a `GPU` and GiB. Totals are those seen in other logs of the same device
(memory-model.md, "Usable memory"); devices never seen take the catalogue's total through the memory model's rule.
"""

import re

from benchmarks.throughput.devices import device as catalogued
from inferfleet.api.enums import Interconnect
from inferfleet.domain.gpu import GPU
from inferfleet.engine.memory import usable_gib

_NVLINK, _PCIE, _FABRIC = Interconnect.NVLINK, Interconnect.PCIE, Interconnect.INFINITY_FABRIC

# (words of the name in their order, usable GiB seen in logs or None, MiB of the driver, link); the first match counts.
_DEVICES: tuple[tuple[str, float | None, int, Interconnect], ...] = (
    ("MIG 1g.5gb", 4.75, 4864, _PCIE),
    ("GH200", 94.5, 97871, _NVLINK),
    ("H100 NVL", 93.02, 95830, _NVLINK),
    ("H100", 79.19, 81559, _NVLINK),
    ("H200", 139.80, 143771, _NVLINK),
    ("H800", 79.19, 81559, _NVLINK),
    ("A800", 79.20, 81920, _NVLINK),
    ("A100 40GB", 39.45, 40960, _NVLINK),
    ("A100", 79.20, 81920, _NVLINK),
    ("B200", 178.35, 183359, _NVLINK),
    ("B300", 267.69, 275040, _NVLINK),
    ("L40S", 44.36, 46068, _PCIE),
    ("L40", 44.36, 46068, _PCIE),
    ("L20", 44.36, 46068, _PCIE),
    ("L4", 22.04, 23034, _PCIE),
    ("A10", 22.06, 23028, _PCIE),
    ("T4", 14.60, 15360, _PCIE),
    ("V100 32GB", 31.74, 32768, _NVLINK),
    ("V100", 15.77, 16384, _NVLINK),
    ("A40", None, 46068, _PCIE),
    ("A5000", 23.58, 24564, _PCIE),
    ("A6000", 47.53, 49140, _PCIE),
    ("2080 Ti", 10.73, 11264, _PCIE),
    ("RTX 3090", 23.58, 24576, _PCIE),
    ("RTX 4090", 23.53, 24564, _PCIE),
    ("RTX 5080", None, 16303, _PCIE),
    ("RTX 5090", 31.36, 32607, _PCIE),
    ("RTX PRO 6000", 94.97, 97887, _PCIE),
    ("4070 Laptop", 7.65, 8188, _PCIE),
    ("MI50", None, 32752, _PCIE),
    ("MI300X", 191.69, 196592, _FABRIC),
    ("MI325X", None, 262128, _FABRIC),
    ("GB10", 121.65, 124610, _PCIE),
)
_UNKNOWN = ("unknown", None, 81559, _PCIE)


def known(name: str) -> bool:
    """Whether the memory of a device of this name is known."""
    return _seen(name) is not None or catalogued(name) is not None


def _seen(name: str) -> tuple[str, float | None, int, Interconnect] | None:
    """Return the first entry whose words the name holds: `A100` is a word of `A100-SXM4-80GB`, `A10` and `A40` not."""
    return next((entry for entry in _DEVICES if re.search(_pattern(entry[0]), name, re.IGNORECASE)), None)


def _pattern(words: str) -> str:
    """Match the words in order, none of them inside a longer number or word (`RTX4090` is two words)."""
    return ".*".join(f"(?<![{'0-9' if word[0].isdigit() else '0-9A-Za-z'}]){word}(?![0-9])" for word in words.split())


def device(name: str) -> tuple[GPU, float]:
    """Return the GPU and its usable GiB; a device that is not named counts as an 80 GB card on PCIe."""
    seen, built_in = _seen(name), catalogued(name)
    if seen is None and built_in is not None:
        return built_in, usable_gib(built_in)
    part, usable, mib, link = seen or _UNKNOWN
    gpu = GPU(
        name=part.lower().replace(" ", "-"),
        product=name or "not shown",
        vendor="AMD" if link is _FABRIC or "MI" in part else "NVIDIA",
        memory_mib=mib,
        usable_gib=usable,
        memory_bandwidth_gb_per_s=0,
        interconnect=link,
    )
    return gpu, usable_gib(gpu)
