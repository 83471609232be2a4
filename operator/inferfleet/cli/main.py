"""The entry point: one typer application, one file per command.

In: the command line. Out: an exit status (0 ok, 1 the answer is no, 2 bad input, 3 no cluster). Must stay quick to
load: a command imports what it needs when it runs.
"""

from typing import Annotated

import typer

from inferfleet.cli import batch_worker, catalog, crds, explain, fit, plan, throughput
from inferfleet.cli import run as run_command
from inferfleet.version import VERSION

app = typer.Typer(
    name="inferfleet",
    help="Turn a model, a rate and a budget into running vLLM on the cheapest GPUs that work.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run_command.run)
app.command("plan")(plan.plan)
app.command("explain")(explain.explain)
app.command("fit")(fit.fit)
app.command("throughput")(throughput.throughput)
app.add_typer(catalog.app, name="catalog")
app.command("crds")(crds.crds)
app.command("batch-worker")(batch_worker.batch_worker)


def _print_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"inferfleet {VERSION}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Declare the options that stand before a command."""
    del version


def run() -> None:
    """Run the command line; the entry point of the `inferfleet` script."""
    app()
