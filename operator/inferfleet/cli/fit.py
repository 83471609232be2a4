"""`inferfleet fit`: whether an engine would start on a GPU, and where the memory goes."""

from inferfleet.cli import engine_options as options
from inferfleet.cli.exit import answer, exit_codes
from inferfleet.cli.output import Output, OutputFormat, emit


def fit(
    *,
    gpu: options.GPUOption,
    model: options.ModelOption = None,
    config: options.ConfigOption = None,
    tensor_parallel_size: options.TensorParallelSize = 1,
    max_model_len: options.MaxModelLen = None,
    max_num_seqs: options.MaxNumSeqs = None,
    max_num_batched_tokens: options.MaxNumBatchedTokens = None,
    gpu_memory_utilization: options.GPUMemoryUtilization = None,
    kv_cache_dtype: options.KVCacheDtype = "auto",
    quantization: options.Quantization = None,
    engine_version: options.EngineVersion = None,
    interconnect: options.InterconnectOption = None,
    enforce_eager: options.EnforceEager = False,
    enable_expert_parallel: options.ExpertParallel = False,
    revision: options.Revision = "main",
    hub: options.AskHub = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Tell whether vLLM would start with this model on this GPU, with every term of its memory in GiB per GPU."""
    from inferfleet.cli.engine_setup import EngineArguments, find, setup
    from inferfleet.cli.fit_view import answer_of, table_of, values_of

    with exit_codes():
        asked = setup(
            model=find(model=model, revision=revision, config=config, hub=hub),
            gpu=gpu,
            interconnect=interconnect,
            arguments=EngineArguments(
                tensor_parallel_size=tensor_parallel_size,
                max_model_len=max_model_len,
                max_num_seqs=max_num_seqs,
                max_num_batched_tokens=max_num_batched_tokens,
                gpu_memory_utilization=gpu_memory_utilization,
                kv_cache_dtype=kv_cache_dtype,
                quantization=quantization,
                engine_version=engine_version,
                enforce_eager=enforce_eager,
                expert_parallel=enable_expert_parallel,
            ),
        )
        found = answer_of(asked)
        emit(values_of(found), output, lambda: table_of(found))
        answer(yes=found.fits)
