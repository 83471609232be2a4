"""What the driver side and the CUDA graphs take besides PyTorch's allocator.

In: engine settings, interconnect, the law of the version. Out: GiB per GPU. Pure. Figures and sources:
catalog/data/memory_laws.yaml.
"""

from inferfleet.api.enums import Interconnect
from inferfleet.catalog.memory_laws import MemoryLaw
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.model import Model
from inferfleet.plan.memory.matrices import Stage


def non_torch_gib(engine: EngineSettings, law: MemoryLaw, interconnect: Interconnect) -> float:
    """Return GiB of driver-side growth: NCCL, custom all-reduce and kernels; NVLink machines pay the most."""
    figures, size = law.non_torch, engine.tensor_parallel_size
    if size == 1:
        return figures.single if engine.pipeline_parallel_size == 1 else figures.pipeline
    if interconnect is Interconnect.PCIE:
        return figures.pcie
    if interconnect is Interconnect.INFINITY_FABRIC:
        return figures.infinity_fabric
    return max(gib for at_least, gib in figures.nvlink if at_least <= size)


def cuda_graph_gib(model: Model, engine: EngineSettings, law: MemoryLaw, stage: Stage) -> float:
    """Return GiB of captured graphs of this stage; 0 when the engine runs eagerly."""
    if engine.enforce_eager:
        return 0.0
    figures = law.cuda_graph
    return figures.base + figures.per_layer * stage.layers + (figures.mixture if model.experts is not None else 0.0)
