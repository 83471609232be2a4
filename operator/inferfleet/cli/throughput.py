"""`inferfleet throughput`: how fast one replica is for requests of one shape."""

from typing import Annotated

import typer

from inferfleet.cli import engine_options as options
from inferfleet.cli.exit import answer, exit_codes
from inferfleet.cli.output import Output, OutputFormat, emit


def throughput(
    *,
    gpu: options.GPUOption,
    input_tokens: Annotated[int, typer.Option(min=1, help="Mean input tokens per request.")],
    output_tokens: Annotated[int, typer.Option(min=0, help="Mean output tokens per request; 0 for pooling models.")],
    model: options.ModelOption = None,
    config: options.ConfigOption = None,
    concurrency: Annotated[
        float | None, typer.Option(help="Requests in flight, as a load test keeps them; absent: as objectives allow.")
    ] = None,
    time_per_output_token: Annotated[float, typer.Option(help="Objective in milliseconds; 0: none.")] = 50.0,
    time_to_first_token: Annotated[float | None, typer.Option(help="Objective in milliseconds; absent: none.")] = None,
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
    """Estimate how many requests a second one replica finishes, and how long a token takes."""
    from inferfleet.cli.engine_setup import EngineArguments, find, setup
    from inferfleet.cli.throughput_view import Load, answer_of, table_of, values_of
    from inferfleet.domain.traffic import Traffic

    with exit_codes():
        traffic = Traffic(input_tokens=input_tokens, output_tokens=output_tokens)
        asked = setup(
            model=find(model=model, revision=revision, config=config, hub=hub),
            gpu=gpu,
            interconnect=interconnect,
            traffic=traffic,
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
        load = Load(
            traffic=traffic,
            concurrency=concurrency,
            time_per_output_token_ms=time_per_output_token or None,
            time_to_first_token_ms=time_to_first_token,
        )
        found = answer_of(asked, load)
        emit(values_of(found), output, lambda: table_of(found))
        answer(yes=found.possible)
