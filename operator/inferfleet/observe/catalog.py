"""The known GPU types and models: the built-in catalogue, overridden by GPUType and ModelProfile objects.

In: the readable objects of both kinds. Out: look-ups that answer "unknown" with a reason. One `Catalog` stands for one
state of those objects and caches its answers. Must not ask the network: the caller brings the hub look-up.
"""

from collections.abc import Callable, Iterable

from inferfleet.api.enums import Interconnect
from inferfleet.api.v1alpha1 import GPUType, ModelProfile
from inferfleet.api.v1alpha1.model_source import ModelSpec
from inferfleet.catalog.gpus import gpus
from inferfleet.catalog.model_config import from_config
from inferfleet.catalog.models import find_model
from inferfleet.catalog.node_gpu import Identified, UnknownGPU, identify
from inferfleet.domain.gpu import GPU, NodeLabel, Price
from inferfleet.domain.model import Model, UnknownModel
from inferfleet.domain.observed import LabelSet
from inferfleet.engine import memory
from inferfleet.observe.promotion import promoted_calibrations

HubLookup = Callable[[str, str], Model | UnknownModel]
"""Returns, at once, what a hub says of a model that is neither built in nor described, by id and revision."""


class Catalog:
    """The GPU types and models of one state of the objects."""

    def __init__(
        self,
        gpu_types: Iterable[GPUType] = (),
        profiles: Iterable[ModelProfile] = (),
        *,
        hub_lookup: HubLookup | None = None,
    ) -> None:
        """Take the objects in any order; profiles that state different facts of one model describe none."""
        self._hub_lookup = hub_lookup
        declared = {item.metadata.name: gpu_of(item) for item in gpu_types}
        self._gpus = dict(gpus()) | declared
        self._types = tuple(self._gpus[name] for name in sorted(self._gpus))
        self._by_name = {item.metadata.name: item for item in profiles}
        self._by_id = _described(self._by_name[name] for name in sorted(self._by_name))
        self._nodes: dict[LabelSet, Identified | UnknownGPU] = {}
        self.promoted = promoted_calibrations(item for item in self._by_id.values() if isinstance(item, ModelProfile))

    def gpu(self, name: str) -> GPU | None:
        """Return a GPU type by name, None for an unknown one."""
        return self._gpus.get(name)

    def identify(self, labels: LabelSet) -> Identified | UnknownGPU:
        """Return the GPU of a node with these labels, or why it is not known."""
        if labels not in self._nodes:
            self._nodes[labels] = identify(dict(labels), self._types)
        return self._nodes[labels]

    def model(self, wanted: ModelSpec) -> Model | UnknownModel:
        """Return the facts of the model that a deployment asks for."""
        if wanted.profile_ref is not None:
            profile = self._by_name.get(wanted.profile_ref.name)
            if profile is None:
                name = wanted.profile_ref.name
                return UnknownModel(id=name, message=f"spec.model.profileRef: there is no ModelProfile {name}")
            return model_of(profile)
        assert wanted.id is not None
        described = self._by_id.get(wanted.id.casefold())
        if described is not None:
            return model_of(described) if isinstance(described, ModelProfile) else described
        built_in = find_model(wanted.id)
        if isinstance(built_in, Model) or self._hub_lookup is None:
            return built_in
        return self._hub_lookup(wanted.id, wanted.revision)


def gpu_of(item: GPUType) -> GPU:
    """Return the facts that a GPUType states.

    What CUDA leaves of the memory is taken from the built-in type of the same name when both state the same size.
    """
    spec, known = item.spec, gpus().get(item.metadata.name)
    tflops = {name: None if value is None else float(value) for name, value in spec.dense_tflops}
    capability = spec.compute_capability.partition(".") if spec.compute_capability else None
    return GPU(
        name=item.metadata.name,
        product=spec.product,
        vendor=_vendor(item),
        memory_mib=spec.memory_mib,
        usable_gib=known.usable_gib if known and known.memory_mib == spec.memory_mib else None,
        memory_bandwidth_gb_per_s=float(spec.memory_bandwidth_gbps),
        bf16_tflops=tflops["bf16"],
        fp16_tflops=tflops["fp16"],
        fp8_tflops=tflops["fp8"],
        int8_tflops=tflops["int8"],
        compute_capability=(int(capability[0]), int(capability[2])) if capability else None,
        architecture=known.architecture if known else None,
        interconnect=spec.interconnect,
        labels=tuple(NodeLabel(key=label.key, value=label.value) for label in spec.labels) or _labels(known),
        prices=tuple(
            Price(
                capacity_type=price.capacity_type,
                usd_per_gpu_hour=price.usd_per_gpu_hour,
                source=f"GPUType {item.metadata.name}: {price.source}",
                date=price.date,
            )
            for price in spec.prices
        ),
        source=f"GPUType {item.metadata.name}",
    )


def model_of(profile: ModelProfile) -> Model | UnknownModel:
    """Return the facts that a ModelProfile states, read as a config.json is; unknown when they are contradictory."""
    spec = profile.spec
    config = spec.config.model_dump(by_alias=False, exclude_none=True)
    if spec.quantization is not None:
        config["quantization_config"] = {"quant_method": spec.quantization}
    model = from_config(
        spec.id,
        config,
        weight_bytes=spec.weight_bytes,
        parameters=spec.parameters,
        source=f"ModelProfile {profile.metadata.name}",
    )
    problem = memory.size_problem(model) if isinstance(model, Model) else None
    return (
        model
        if problem is None
        else UnknownModel(id=spec.id, message=f"ModelProfile {profile.metadata.name}: {problem}")
    )


def _described(profiles: Iterable[ModelProfile]) -> dict[str, ModelProfile | UnknownModel]:
    """Return the first profile of each model, by its id in small letters; unknown where profiles disagree."""
    by_id: dict[str, list[ModelProfile]] = {}
    for profile in profiles:
        by_id.setdefault(profile.spec.id.casefold(), []).append(profile)
    return {name: _agreed(items) for name, items in by_id.items()}


def _agreed(profiles: list[ModelProfile]) -> ModelProfile | UnknownModel:
    """Return the first of profiles that state the same facts; quality and measured figures may differ."""
    first = profiles[0]
    told = {"id": first.spec.id, "quality_score": None, "calibrations": ()}
    if len({profile.spec.model_copy(update=told) for profile in profiles}) == 1:
        return first
    names = " and ".join(profile.metadata.name for profile in profiles)
    message = (
        f"ModelProfiles {names} state different facts of {first.spec.id}; "
        "make them agree, delete all but one, or name one in spec.model.profileRef"
    )
    return UnknownModel(id=first.spec.id, message=message)


def _vendor(item: GPUType) -> str:
    """Return the vendor: NVIDIA with a compute capability of CUDA, else as labels, interconnect and product say."""
    known = gpus().get(item.metadata.name)
    if item.spec.compute_capability is not None:
        return "NVIDIA"
    if known is not None:
        return known.vendor
    amd_label = any("amd.com/" in label.key for label in item.spec.labels)
    amd_link = item.spec.interconnect is Interconnect.INFINITY_FABRIC
    return "AMD" if amd_label or amd_link or item.spec.product.casefold().startswith("amd") else "NVIDIA"


def _labels(known: GPU | None) -> tuple[NodeLabel, ...]:
    return known.labels if known else ()
