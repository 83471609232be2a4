"""Which built-in GPU type a row of the measured cases means.

In: a GPU name as benchmark reports write it (`H100-SXM-80GB`). Out: a `GPU`, or None when it names nothing known.
"""

import re

from inferfleet.catalog.gpus import gpus
from inferfleet.domain.gpu import GPU

# Longest and most special first: the first name that the squeezed text starts with decides.
_BY_PREFIX = (
    ("gb300", "nvidia-gb300-288gb"),
    ("gb200", "nvidia-gb200-186gb"),
    ("gh200", "nvidia-gh200-96gb"),
    ("b300", "nvidia-b300-288gb"),
    ("b200", "nvidia-b200-180gb"),
    ("h200nvl", "nvidia-h200-nvl-141gb"),
    ("h200", "nvidia-h200-141gb"),
    ("h100nvl", "nvidia-h100-nvl-94gb"),
    ("h100pcie", "nvidia-h100-pcie-80gb"),
    ("h100", "nvidia-h100-80gb"),
    ("h20", "nvidia-h20-96gb"),
    ("a100pcie40", "nvidia-a100-pcie-40gb"),
    ("a100pcie", "nvidia-a100-pcie-80gb"),
    ("a100sxm40", "nvidia-a100-40gb"),
    ("a10040", "nvidia-a100-40gb"),
    ("a100", "nvidia-a100-80gb"),
    ("a10g", "nvidia-a10g-24gb"),
    ("a10", "nvidia-a10-24gb"),
    ("a30", "nvidia-a30-24gb"),
    ("a40", "nvidia-a40-48gb"),
    ("a6000", "nvidia-rtx-a6000-48gb"),
    ("a5000", "nvidia-rtx-a5000-24gb"),
    ("l40s", "nvidia-l40s-48gb"),
    ("l40", "nvidia-l40-48gb"),
    ("l20", "nvidia-l20-48gb"),
    ("l4", "nvidia-l4-24gb"),
    ("t4", "nvidia-t4-16gb"),
    ("v10016", "nvidia-v100-16gb"),
    ("v100", "nvidia-v100-32gb"),
    ("pro6000", "nvidia-rtx-pro-6000-96gb"),
    ("6000ada", "nvidia-rtx-6000-ada-48gb"),
    ("3090", "nvidia-rtx-3090-24gb"),
    ("4090", "nvidia-rtx-4090-24gb"),
    ("5090", "nvidia-rtx-5090-32gb"),
    ("mi300x", "amd-mi300x-192gb"),
    ("mi325x", "amd-mi325x-256gb"),
    ("mi355x", "amd-mi355x-288gb"),
)
_VENDOR = re.compile(r"^(nvidia|amd|tesla|geforce|instinct|quadro|rtx)+")


def device(name: str) -> GPU | None:
    """Return the built-in GPU type that a benchmark's GPU name means."""
    exact = gpus().get(name)
    if exact is not None:
        return exact
    squeezed = _VENDOR.sub("", re.sub(r"[^a-z0-9]", "", name.casefold()))
    return next((gpus()[known] for prefix, known in _BY_PREFIX if squeezed.startswith(prefix)), None)
