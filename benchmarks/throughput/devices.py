"""Which built-in GPU type a row of the measured cases means.

In: a GPU name as benchmark reports and drivers write it (`H100-SXM-80GB`, `NVIDIA A100-SXM4-40GB`). Out: a `GPU`, or
None when it names nothing known: another card of the same family is no answer.
"""

import re

from inferfleet.catalog.gpus import gpus
from inferfleet.domain.gpu import GPU

# What a name begins with -> the types of that family as (form, name): the form that the text mentions wins, then the
# first. More special families come first.
_FAMILIES: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("gb300", (("", "nvidia-gb300-288gb"),)),
    ("gb200", (("", "nvidia-gb200-186gb"),)),
    ("gh200", (("", "nvidia-gh200-96gb"),)),
    ("b300", (("", "nvidia-b300-288gb"),)),
    ("b200", (("", "nvidia-b200-180gb"),)),
    ("h200", (("nvl", "nvidia-h200-nvl-141gb"), ("", "nvidia-h200-141gb"))),
    ("h100", (("nvl", "nvidia-h100-nvl-94gb"), ("pcie", "nvidia-h100-pcie-80gb"), ("", "nvidia-h100-80gb"))),
    ("h20", (("", "nvidia-h20-96gb"),)),
    (
        "a100",
        (
            ("pcie", "nvidia-a100-pcie-80gb"),
            ("pcie", "nvidia-a100-pcie-40gb"),
            ("", "nvidia-a100-80gb"),
            ("", "nvidia-a100-40gb"),
        ),
    ),
    ("a10g", (("", "nvidia-a10g-24gb"),)),
    ("a10", (("", "nvidia-a10-24gb"),)),
    ("a30", (("", "nvidia-a30-24gb"),)),
    ("a40", (("", "nvidia-a40-48gb"),)),
    ("a6000", (("", "nvidia-rtx-a6000-48gb"),)),
    ("a5000", (("", "nvidia-rtx-a5000-24gb"),)),
    ("l40s", (("", "nvidia-l40s-48gb"),)),
    ("l40", (("", "nvidia-l40-48gb"),)),
    ("l20", (("", "nvidia-l20-48gb"),)),
    ("l4", (("", "nvidia-l4-24gb"),)),
    ("t4", (("", "nvidia-t4-16gb"),)),
    ("v100", (("", "nvidia-v100-32gb"), ("", "nvidia-v100-16gb"))),
    ("pro ?6000", (("", "nvidia-rtx-pro-6000-96gb"),)),
    ("6000 ?ada", (("", "nvidia-rtx-6000-ada-48gb"),)),
    ("3090", (("", "nvidia-rtx-3090-24gb"),)),
    ("4090", (("", "nvidia-rtx-4090-24gb"),)),
    ("5090", (("", "nvidia-rtx-5090-32gb"),)),
    ("mi300x", (("", "amd-mi300x-192gb"),)),
    ("mi325x", (("", "amd-mi325x-256gb"),)),
    ("mi355x", (("", "amd-mi355x-288gb"),)),
)
_VENDOR = re.compile(r"^((nvidia|amd|tesla|geforce|instinct|quadro|rtx) ?)+")
_STATED_GB = re.compile(r"(?<![a-z0-9])([0-9]{2,3}) ?g(?:i?b)?(?![a-z0-9])")
# A slice or a mobile card of the same name is another device.
_OTHER = re.compile(r"\b(mig|laptop|mobile)\b")
# Vendors round differently: a B200 is sold as 180 and 192 GB.
SIZE_TOLERANCE = 0.1


def device(name: str) -> GPU | None:
    """Return the built-in GPU type that a benchmark's GPU name means."""
    exact = gpus().get(name)
    if exact is not None:
        return exact
    words = re.sub(r"[^a-z0-9]+", " ", name.casefold()).strip()
    plain = _VENDOR.sub("", words)
    types = next((types for family, types in _FAMILIES if re.match(f"{family}(?![0-9])", plain)), ())
    fitting = [(form, gpus()[known]) for form, known in types if _is_of_size(known, plain)]
    if not fitting or _OTHER.search(words) is not None:
        return None
    return next((gpu for form, gpu in fitting if form in plain), fitting[0][1])


def _is_of_size(known: str, words: str) -> bool:
    """Whether a type has the memory that the text states, if it states any; names end in it (`-80gb`)."""
    stated = _STATED_GB.search(words)
    nominal = float(known.rsplit("-", 1)[-1].removesuffix("gb"))
    return stated is None or abs(float(stated[1]) / nominal - 1) <= SIZE_TOLERANCE
