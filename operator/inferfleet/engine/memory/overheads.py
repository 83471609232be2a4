"""What the driver side and the CUDA graphs take besides PyTorch's allocator.

In: engine settings, interconnect, the law of the version. Out: GiB per GPU. Pure. Figures and sources:
catalog/data/memory_laws.yaml.
"""

from inferfleet.api.enums import Interconnect
from inferfleet.catalog.memory_laws import MemoryLaw
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import GIB
from inferfleet.domain.model import Model
from inferfleet.engine.memory.matrices import Stage

LARGEST_CAPTURE = 512


def non_torch_gib(model: Model, engine: EngineSettings, law: MemoryLaw, interconnect: Interconnect) -> float:
    """Return GiB of driver-side growth and, where the version counts it here, of the engine's state per sequence."""
    state = law.non_torch.bytes_per_logit * engine.max_num_seqs * model.vocab_size / GIB
    return _driver_gib(engine, law, interconnect) + state


def _driver_gib(engine: EngineSettings, law: MemoryLaw, interconnect: Interconnect) -> float:
    """NCCL, custom all-reduce and kernels; machines with NVLink pay the most."""
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
    layers = figures.per_layer * stage.layers * captured_share(engine.max_num_seqs)
    return figures.base + layers + (figures.mixture if model.experts is not None else 0.0)


def captured_share(max_num_seqs: int) -> float:
    """Return the share of vLLM's batch sizes that are captured, up to twice `max_num_seqs` and at most 512.

    Source: vLLM config/vllm.py _set_cudagraph_sizes (1, 2, 4, then steps of 8, from 256 in steps of 16).
    """
    largest = min(LARGEST_CAPTURE, 2 * max_num_seqs)
    return _captured(largest) / _captured(LARGEST_CAPTURE)


def _captured(largest: int) -> int:
    small = sum(size <= largest for size in (1, 2, 4))
    return small + min(largest, 255) // 8 + (max(0, largest - 256) // 16 + 1 if largest >= 256 else 0)
