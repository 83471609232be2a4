"""The options that `fit` and `throughput` share, spelt as vLLM spells its flags.

In: nothing. Out: annotated types for command signatures. Must import nothing heavy: every command's help needs it.
"""

from pathlib import Path
from typing import Annotated

import typer

ModelOption = Annotated[str | None, typer.Option("--model", help="Model of the catalogue, as owner/name.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="A Hugging Face config.json that describes the model instead of the catalogue."),
]
GPUOption = Annotated[str, typer.Option("--gpu", help="GPU type of the catalogue (inferfleet catalog gpus).")]
TensorParallelSize = Annotated[int, typer.Option("--tensor-parallel-size", "-tp", help="GPUs of one replica.")]
MaxModelLen = Annotated[
    int | None, typer.Option("--max-model-len", help="Longest request in tokens; absent: what the model allows.")
]
MaxNumSeqs = Annotated[int | None, typer.Option("--max-num-seqs", help="Most requests in one batch.")]
MaxNumBatchedTokens = Annotated[
    int | None, typer.Option("--max-num-batched-tokens", help="Most tokens in one engine step.")
]
GPUMemoryUtilization = Annotated[
    float | None, typer.Option("--gpu-memory-utilization", help="Share of the GPU's memory that the engine may use.")
]
KVCacheDtype = Annotated[str, typer.Option("--kv-cache-dtype", help="Data type of the KV cache: auto, fp8, ...")]
Quantization = Annotated[
    str | None, typer.Option("--quantization", "-q", help="Quantise 16-bit weights while loading: fp8, ...")
]
EngineVersion = Annotated[str | None, typer.Option("--engine-version", help="vLLM version whose memory law applies.")]
InterconnectOption = Annotated[
    str | None, typer.Option("--interconnect", help="What joins the GPUs: PCIe, NVLink, InfinityFabric.")
]
EnforceEager = Annotated[bool, typer.Option("--enforce-eager", help="No CUDA graphs.")]
Revision = Annotated[str, typer.Option("--revision", help="Branch, tag or commit of the model, for --hub.")]
AskHub = Annotated[
    bool, typer.Option("--hub/--no-hub", help="Ask INFERFLEET_HF_ENDPOINT about a model that the catalogue lacks.")
]
ExpertParallel = Annotated[
    bool, typer.Option("--enable-expert-parallel", help="Whole experts per GPU instead of a slice of each.")
]
