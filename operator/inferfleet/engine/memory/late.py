"""What happens after the KV cache is taken: graphs are captured and the sampler warms up in what is left of the card.

In: engine settings, terms in GiB. Out: GiB to spare, negative when the engine is likely to run out of memory late.
Pure. Source: vLLM 0.19 v1/worker/gpu_worker.py compile_or_warm_up_model; gpt-oss-20b on H100 at utilisation 0.95 ran
out of memory there allocating one more copy of the logits (786 MiB) on one and on two GPUs, and started at 0.90.
"""

from inferfleet.api.enums import Interconnect
from inferfleet.catalog.memory_laws import MemoryLaw
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.memory import GIB
from inferfleet.domain.model import Model
from inferfleet.engine.memory.activation import LOGIT_BYTES
from inferfleet.engine.memory.formats import weight_format

# What the CUDA context, and with several GPUs NCCL, take before vLLM's first snapshot: total less free at start in the
# logs of H100 (0.5; 1.5 to 2.0 over NVLink), L40S (0.5) and RTX PRO 6000 (1.0 over PCIe).
CONTEXT_GIB = 0.5
CONTEXT_PCIE_GIB = 1.0
CONTEXT_LINKED_GIB = 2.0


def late_headroom_gib(
    model: Model,
    engine: EngineSettings,
    law: MemoryLaw,
    interconnect: Interconnect,
    *,
    usable: float,
    activation: float,
    cuda_graph: float,
) -> float:
    """Return GiB that stay free after graphs and warm-up.

    The activation's share of the budget is free again by then, except where MXFP4 kernels keep it: there the sampler
    needs its copies of the logits from what is outside the budget.
    """
    outside = usable * (1 - engine.gpu_memory_utilization) - _context_gib(engine, interconnect)
    spare = outside - (0.0 if law.cuda_graph.counted else cuda_graph)
    if law.mxfp4_keeps_peak and weight_format(model, engine).method == "mxfp4":
        rows = min(engine.max_num_seqs, engine.max_num_batched_tokens)
        return spare - law.activation.logits_copies * rows * model.vocab_size * LOGIT_BYTES / GIB
    return spare + activation


def _context_gib(engine: EngineSettings, interconnect: Interconnect) -> float:
    if engine.tensor_parallel_size == 1:
        return CONTEXT_GIB
    return CONTEXT_PCIE_GIB if interconnect is Interconnect.PCIE else CONTEXT_LINKED_GIB
