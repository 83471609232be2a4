"""The GPU type of a node, from its labels alone.

In: the labels of one node and the known GPU types (built-in and `GPUType` objects). Out: `Identified` with all that was
inferred, or `UnknownGPU` with the reason. It never guesses: labels that contradict each
other, a memory figure that fits no candidate, and an ambiguous name all give `UnknownGPU`. It does not count GPUs:
`status.allocatable` of the node does.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from inferfleet.domain.gpu import GPU, MIB_PER_GIB

GFD_PRODUCT = "nvidia.com/gpu.product"
AMD_PRODUCT = "amd.com/gpu.product-name"
AMD_BETA_PRODUCT = "beta.amd.com/gpu.product-name"

# A driver's own figure must agree within 3 % (drivers, ECC and firmware move it by about 1 %; a T4 reads 15109 or
# 15360 MiB).
DRIVER_TOLERANCE = 0.03
# Providers publish nominal sizes, which exceed the driver's by up to 7 % (EC2 says 16384 MiB for a T4); variants of one
# product differ by at least 17 % (80 and 94 GB), so 10 % upwards keeps them apart.
NOMINAL_EXCESS = 0.10

# Label -> whether the driver wrote it.
_MIB_LABELS = {
    "nvidia.com/gpu.memory": True,
    "amd.com/gpu.memory": True,
    "karpenter.k8s.aws/instance-gpu-memory": False,
    "eks.amazonaws.com/instance-gpu-memory": False,
}
_GIB_LABELS = ("gpu.nvidia.com/vram", "amd.com/gpu.vram", "beta.amd.com/gpu.vram")
_VENDOR_PREFIX = re.compile(r"^(nvidia-|amd_|tesla-|geforce-|quadro-|instinct_)+")
_VIRTUAL_FUNCTION = re.compile(r"_(vf|hf)$")
_MIG_SUFFIX = re.compile(r"-mig-(?P<profile>.+)$")
_GIB_TEXT = re.compile(r"^(?P<number>\d+(\.\d+)?)(g|gi|gib|gb)?$")
_MIG_RESOURCE = re.compile(r"^nvidia\.com/mig-(?P<profile>\d+g\.[\w.]+?)\.count$")
_WHOLE_AMD_PARTITIONS = frozenset({"", "spx", "spx_nps1", "nps1"})
_AMD_PARTITION_LABELS = ("amd.com/gpu.compute-memory-partition", "beta.amd.com/gpu.compute-memory-partition")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """One node's GPU type and how it is offered.

    `memory_mib` is the lowest of the catalogue's and the labels' figures (of one slice when `mig_profile` is set).
    `shared` GPUs serve several pods at once and give no memory isolation. `product_labels` are the keys that agreed.
    """

    gpu_type: str
    memory_mib: int
    shared: bool
    mig_profile: str | None
    product_labels: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether pods get whole GPUs of their own."""
        return not self.shared and self.mig_profile is None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownGPU:
    """Why a node's GPU could not be named; planning leaves such a node out."""

    message: str


def identify(labels: Mapping[str, str], gpu_types: Iterable[GPU]) -> Identified | UnknownGPU:
    """Name the GPU type of a node with these labels.

    All labels that name a product must agree; the memory label then decides between sizes of one product (3 % for
    driver figures, up to 10 % above for published nominal sizes). Sources: NVIDIA/k8s-device-plugin
    gpu-feature-discovery README, Karpenter AWS 1.14 instance-types reference, the GKE and EKS providers of the cluster
    autoscaler, ROCm/k8s-device-plugin node labeller.
    """
    if AMD_BETA_PRODUCT in labels:  # the older labeller writes the same values
        labels = {AMD_PRODUCT: labels[AMD_BETA_PRODUCT], **labels}
    matches, notes = _matches(labels, tuple(gpu_types))
    if not matches:
        return UnknownGPU(message=_nothing_matched(notes))
    agreed = _agreed(matches)
    if not agreed:
        said = "; ".join(f"{key}={labels[key]} means {_names(found)}" for key, found in matches.items())
        return UnknownGPU(message=f"labels contradict each other: {said}")
    profile = _mig_profile(labels)
    readings = _memory_readings(labels)
    fitting = agreed if profile is not None else tuple(gpu for gpu in agreed if _memory_agrees(gpu, readings))
    if len(fitting) != 1:
        return UnknownGPU(message=_not_one(agreed, fitting, readings))
    figures = [reading.mib for reading in readings]
    return Identified(
        gpu_type=fitting[0].name,
        memory_mib=min(figures, default=fitting[0].memory_mib) if profile else min([fitting[0].memory_mib, *figures]),
        shared=_is_shared(labels),
        mig_profile=profile,
        product_labels=tuple(matches),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _MemoryReading:
    label: str
    mib: int
    from_driver: bool


def _matches(
    labels: Mapping[str, str], gpu_types: tuple[GPU, ...]
) -> tuple[dict[str, tuple[GPU, ...]], tuple[str, ...]]:
    """Return candidates per label key, and a note for each driver label that names no known product."""
    found: dict[str, tuple[GPU, ...]] = {}
    for gpu in gpu_types:
        for key in _matching_keys(gpu, labels):
            found[key] = (*(other for other in found.get(key, ()) if other is not gpu), gpu)
    notes = tuple(
        f"{key}={labels[key]} names no known GPU type"
        for key in (GFD_PRODUCT, AMD_PRODUCT)
        if key in labels and key not in found
    )
    return dict(sorted(found.items())), notes


def _matching_keys(gpu: GPU, labels: Mapping[str, str]) -> Iterator[str]:
    """Yield the node's label keys whose value this type claims."""
    for label in gpu.labels:
        said = labels.get(label.key)
        if said is not None and _product(label.key, said) == _product(label.key, label.value):
            yield label.key


@lru_cache(maxsize=8192)
def _product(key: str, value: str) -> str:
    """Drop case, and from driver product names also vendor prefix, sharing, slicing and virtual-function suffixes."""
    text = value.casefold()
    if key not in {GFD_PRODUCT, AMD_PRODUCT, AMD_BETA_PRODUCT}:
        return text
    text = _MIG_SUFFIX.sub("", text.removesuffix("-shared"))
    return _VENDOR_PREFIX.sub("", _VIRTUAL_FUNCTION.sub("", text.removesuffix("-shared")))


def _agreed(matches: Mapping[str, tuple[GPU, ...]]) -> tuple[GPU, ...]:
    first, *others = matches.values()
    return tuple(gpu for gpu in first if all(gpu in other for other in others))


def _memory_readings(labels: Mapping[str, str]) -> tuple[_MemoryReading, ...]:
    """Memory figures with a known unit; a value that is no number counts as absent."""
    readings = [
        _MemoryReading(label=key, mib=int(labels[key]), from_driver=driver)
        for key, driver in _MIB_LABELS.items()
        if labels.get(key, "").isdecimal() and int(labels[key]) > 0
    ]
    for key in _GIB_LABELS:
        text = _GIB_TEXT.match(labels.get(key, "").casefold())
        if text is not None and float(text["number"]) > 0:
            readings.append(_MemoryReading(label=key, mib=int(float(text["number"]) * MIB_PER_GIB), from_driver=False))
    return tuple(readings)


def _memory_agrees(gpu: GPU, readings: tuple[_MemoryReading, ...]) -> bool:
    for reading in readings:
        excess = DRIVER_TOLERANCE if reading.from_driver else NOMINAL_EXCESS
        if not 1 - DRIVER_TOLERANCE <= reading.mib / gpu.memory_mib <= 1 + excess:
            return False
    return True


def _mig_profile(labels: Mapping[str, str]) -> str | None:
    """Return the slice profile when the node hands out slices of a GPU (the first one of several)."""
    suffix = _MIG_SUFFIX.search(labels.get(GFD_PRODUCT, "").casefold().removesuffix("-shared"))
    if suffix is not None:
        return suffix["profile"]
    offered = sorted(
        match["profile"] for key in labels if (match := _MIG_RESOURCE.match(key)) and labels[key] not in {"", "0"}
    )
    if offered:
        return offered[0]
    if labels.get("cloud.google.com/gke-gpu-partition-size"):
        return labels["cloud.google.com/gke-gpu-partition-size"]
    for key in _AMD_PARTITION_LABELS:
        if labels.get(key, "").casefold() not in _WHOLE_AMD_PARTITIONS:
            return labels[key]
    return None


def _is_shared(labels: Mapping[str, str]) -> bool:
    replicas = labels.get("nvidia.com/gpu.replicas", "")
    clients = labels.get("cloud.google.com/gke-max-shared-clients-per-gpu", "")
    return (
        labels.get(GFD_PRODUCT, "").casefold().endswith("-shared")
        or labels.get("nvidia.com/gpu.sharing-strategy", "none").casefold() not in {"none", ""}
        or labels.get("cloud.google.com/gke-gpu-sharing-strategy", "none").casefold() not in {"none", ""}
        or (replicas.isdecimal() and int(replicas) > 1)
        or (clients.isdecimal() and int(clients) > 1)
    )


def _names(found: Iterable[GPU]) -> str:
    return " or ".join(sorted(gpu.name for gpu in found))


def _nothing_matched(notes: tuple[str, ...]) -> str:
    if notes:
        return "; ".join(notes) + "; a GPUType object with this label makes it known"
    return "no label names a GPU product; a GPUType object with a label of this node makes it known"


def _not_one(agreed: tuple[GPU, ...], fitting: tuple[GPU, ...], readings: tuple[_MemoryReading, ...]) -> str:
    if fitting:
        return f"labels fit {_names(fitting)} alike and no memory label decides"
    said = ", ".join(f"{reading.label} says {reading.mib} MiB" for reading in readings)
    known = ", ".join(f"{gpu.name} has {gpu.memory_mib} MiB" for gpu in sorted(agreed, key=lambda gpu: gpu.name))
    return f"the product labels and the memory labels contradict each other: {said}; {known}"
