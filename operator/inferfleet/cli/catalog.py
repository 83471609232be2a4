"""`inferfleet catalog`: the built-in GPU types and models, with sources and dates."""

from typing import Annotated

import typer

from inferfleet.cli.exit import exit_codes
from inferfleet.cli.output import Output, OutputFormat, emit

app = typer.Typer(no_args_is_help=True, help="Show the built-in data with its sources.")
Match = Annotated[str | None, typer.Argument(help="Show only names that contain this.")]


@app.command()
def gpus(match: Match = None, output: Output = OutputFormat.TABLE) -> None:
    """Show the GPU types: memory, bandwidth, compute, default prices."""
    from inferfleet.catalog.gpus import gpus as known
    from inferfleet.cli.catalog_view import gpu_table, gpu_values

    with exit_codes():
        found = [gpu for gpu in known().values() if match is None or match.casefold() in gpu.name.casefold()]
        emit([gpu_values(gpu) for gpu in found], output, lambda: gpu_table(found))


@app.command()
def models(match: Match = None, output: Output = OutputFormat.TABLE) -> None:
    """Show the models: parameters, layers, attention, context, quantization."""
    from inferfleet.catalog.models import models as known
    from inferfleet.cli.catalog_view import model_table, model_values

    with exit_codes():
        found = [model for model in known().values() if match is None or match.casefold() in model.id.casefold()]
        emit([model_values(model) for model in found], output, lambda: model_table(found))
