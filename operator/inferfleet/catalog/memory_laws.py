"""The memory laws of vLLM, one per range of minor versions, read once from packaged data.

In: `data/memory_laws.yaml`. Out: frozen `MemoryLaw` values. It must not compute anything about a model.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from inferfleet.catalog.packaged import read_packaged

MinorVersion = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationLaw:
    """Coefficients of the allocator's peak during the profiling run (see the head of the data file)."""

    intermediate: float
    hidden: float
    logits_copies: float
    sampler_hidden: float
    sampler_gib: float
    expert_workspace: bool
    floor_gib: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NonTorchLaw:
    """GiB that the driver side takes per GPU; `nvlink` maps tensor parallel size to GiB, ascending.

    `bytes_per_logit` counts state that the engine keeps for each sequence and vocabulary entry.
    """

    single: float
    pcie: float
    nvlink: tuple[tuple[int, float], ...]
    infinity_fabric: float
    pipeline: float
    bytes_per_logit: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphLaw:
    """GiB of captured CUDA graphs; `counted`: they come out of the budget before the KV cache is sized."""

    base: float
    per_layer: float
    mixture: float
    counted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLaw:
    """How one range of vLLM versions divides memory. `band_gib` + `band_share` x usable is its error band."""

    name: str
    since: MinorVersion
    settled: bool
    profiles_whole_length: bool
    source: str
    activation: ActivationLaw
    non_torch: NonTorchLaw
    cuda_graph: GraphLaw
    layer_groups: bool
    latent_cache: bool
    absorbs_query: bool
    prints_slots: bool
    mxfp4_intermediate_multiple: int
    mxfp4_keeps_peak: bool
    band_gib: float
    band_share: float


def minor_version(version: str) -> MinorVersion:
    """Return (major, minor) of an engine version such as "0.32.0" or "0.8.5.post1".

    Raises ValueError when the text does not begin with two numbers.
    """
    match = re.match(r"v?(\d+)\.(\d+)", version)
    if match is None:
        raise ValueError(f"engine version {version!r} is not understood; expected major.minor.patch such as 0.32.0")
    return int(match[1]), int(match[2])


@lru_cache(maxsize=1)
def memory_laws() -> tuple[MemoryLaw, ...]:
    """Return all laws, oldest first."""
    laws = tuple(_law(entry) for entry in read_packaged("memory_laws.yaml")["laws"])
    return tuple(sorted(laws, key=lambda law: law.since))


@lru_cache(maxsize=256)
def memory_law(version: str) -> MemoryLaw:
    """Return the law of the range that `version` lies in; versions newer than all ranges get the newest.

    Raises ValueError for a version that cannot be read.
    """
    wanted = minor_version(version)
    return [law for law in memory_laws() if law.since <= wanted][-1]


def _law(entry: dict[str, Any]) -> MemoryLaw:
    nvlink = tuple(sorted(entry["non_torch"]["nvlink"].items()))
    return MemoryLaw(
        name=entry["name"],
        since=(entry["since"][0], entry["since"][1]),
        settled=entry["settled"],
        profiles_whole_length=entry["profile"] == "length",
        source=entry["source"],
        activation=ActivationLaw(**entry["activation"]),
        non_torch=NonTorchLaw(**{**entry["non_torch"], "nvlink": nvlink}),
        cuda_graph=GraphLaw(**entry["cuda_graph"]),
        layer_groups=entry["layer_groups"],
        latent_cache=entry["latent_cache"],
        absorbs_query=entry.get("absorbs_query", False),
        prints_slots=entry["printed_tokens"] == "slots",
        mxfp4_intermediate_multiple=entry["mxfp4"]["intermediate_multiple"],
        mxfp4_keeps_peak=entry["mxfp4"]["keeps_peak"],
        band_gib=entry["band"]["gib"],
        band_share=entry["band"]["share"],
    )
