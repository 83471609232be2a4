"""`inferfleet explain`: the decision for one object of a live cluster, what runs of it now, and its conditions."""

from pathlib import Path
from typing import Annotated

import typer

from inferfleet.cli.exit import answer, exit_codes
from inferfleet.cli.output import Output, OutputFormat, emit


def explain(
    target: Annotated[str, typer.Argument(metavar="infd/NAME", help="The InferenceDeployment.")],
    *,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Its namespace; absent: that of the context.")
    ] = None,
    kubeconfig: Annotated[Path | None, typer.Option(help="Absent: KUBECONFIG, the usual file, or this pod's.")] = None,
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig; absent: the current one.")] = None,
    worker_image: Annotated[
        str, typer.Option(envvar="INFERFLEET_WORKER_IMAGE", help="Image of batch workers in manifests.")
    ] = "inferfleet",
    budgets_required: Annotated[
        bool,
        typer.Option("--budgets-required", envvar="INFERFLEET_BUDGETS_REQUIRED", help="As the operator is installed."),
    ] = False,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Explain what the operator decides for one deployment, from the live cluster. Status 1: it cannot be served."""
    from inferfleet.cli.cluster import default_namespace, kubeconfig_path, read_cluster
    from inferfleet.cli.explain_view import table_of, values_of
    from inferfleet.cli.explaining import explain_one, name_of

    with exit_codes():
        name = name_of(target)
        file = kubeconfig_path(kubeconfig)
        key = (namespace or default_namespace(file, context), name)
        store = read_cluster(file, context)
        found = explain_one(store, key, worker_image=worker_image, budgets_required=budgets_required)
        emit(values_of(found), output, lambda: table_of(found))
        answer(yes=found.plan is not None and found.plan.ready)
